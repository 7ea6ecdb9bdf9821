// How long a loss over features takes by itself, and the memory that it needs beside them and their gradients.
#pragma once
#include <cstdint>
#include <string>

#include "core/dtype.h"
#include "loss/pair_loss.h"

namespace cw {

struct LossTime {
  double seconds = 0;  // forward and backward, the best of all runs
  size_t extra_bytes = 0;
  bool measured = false;  // extra_bytes: by the kernel's count of resident pages, rather than by the plan
};

/// Random features f32 [pairs, width] of both sides, multiplied with each other in `products`. One run more warms up.
/// Throws out_of_memory, invalid_argument.
LossTime loss_time(const PairLoss& loss, const std::string& device, int threads, int64_t pairs, int64_t width, DType products,
                   int runs);

}  // namespace cw
