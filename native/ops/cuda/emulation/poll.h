// For what stands in for libraries that wait for other processes on a stream: work that is asked again and again whether it is done.
#pragma once
#include "ops/cuda/emulation/runtime.h"

namespace cw::emulation {

/// Puts `done(data)` on a stream: until it says true, nothing behind it runs, and queries of the stream say that it is not ready. Not
/// while the stream is captured.
using PollOn = cudaError_t (*)(cudaStream_t stream, bool (*done)(void*), void* data);
cudaError_t poll_on(cudaStream_t stream, bool (*done)(void*), void* data);

/// The function of a stand-in that is handed poll_on.
inline constexpr const char* kPollOnTaker = "clipwright_take_poll_on";

}  // namespace cw::emulation
