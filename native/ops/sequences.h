// Packed sequences, as the ops take them that know where one ends. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Packed sequences: sequence s owns rows offsets[s] .. offsets[s+1]. offsets is on the device; the rest is a plan's bound.
struct Sequences {
  Tensor offsets;          // i32 [1, S+1]
  int64_t count = 0;       // S
  int64_t max_length = 0;  // no sequence is longer; may be larger than the longest one
};

}  // namespace cw
