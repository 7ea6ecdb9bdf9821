// Running a grid: blocks one after the other, a block's threads as fibers that switch at barriers and shuffles.
#pragma once
#include <functional>
#include <string>

#include "ops/cuda/emulation/runtime.h"

namespace cw::emulation {

struct Launch {
  std::string name;
  dim3 grid, block;
  size_t shared_bytes = 0;  // dynamic
};

/// Runs body once for each thread. Returns what went wrong, naming the kernel; empty if nothing did.
/// CLIPWRIGHT_EMULATION_ORDER: "ascending" (default), "descending" or a seed, the order of blocks, warps and lanes.
std::string run_grid(const Launch& launch, const std::function<void()>& body);

/// Puts a launch on a stream. cudaErrorInvalidConfiguration where a card would refuse it (grid, block, shared memory).
cudaError_t launch_on(cudaStream_t stream, Launch launch, std::function<void()> body);

}  // namespace cw::emulation
