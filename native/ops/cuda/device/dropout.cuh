// What kernels are told of a dropout, and their draws: core/dropout.h says which is whose.
#pragma once
#include "core/dropout.h"
#include "ops/cuda/launch.h"
#include "ops/dropout.h"

namespace cw {

struct DropArguments {
  const uint32_t* counter;
  uint32_t site, bound;
  float scale;

  __device__ DropoutStream stream(uint32_t head = 0) const {
    return dropout_stream(uint64_t{counter[1]} << 32 | counter[0], counter[2], site, head);
  }
  __device__ uint32_t first_sequence() const { return counter[3]; }
  __device__ bool keeps(uint32_t bits) const { return bits >= bound; }
  __device__ float factor(uint32_t bits) const { return keeps(bits) ? scale : 0.0f; }
};

/// Of an absent one nothing may be read.
inline DropArguments drop_arguments(const Drop& drop) {
  return {static_cast<const uint32_t*>(drop.draws.counter.data), static_cast<uint32_t>(drop.site), dropout_bound(drop.rate),
          dropout_scale(drop.rate)};
}

}  // namespace cw
