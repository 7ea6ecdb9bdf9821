// Waiting for the card. Once the session's stop flag is up only for a bounded time, since a card that hangs must not keep the
// process from ending: CUDA's own waiting calls have no way out.
#pragma once
#include <atomic>
#include <functional>
#include <utility>

#include "ops/cuda/runtime.h"

namespace cw {

class Waiter {
 public:
  void set_stop(const std::atomic<bool>* stop) { stop_ = stop; }
  /// Called again and again while waits last; throws when what the card waits for will not come.
  void set_watch(std::function<void()> watch) { watch_ = std::move(watch); }

  /// Until what was put on the stream, or recorded by the event, is done. Throws device: the card's own errors, and that it
  /// did not finish in time.
  void wait(cudaStream_t stream) const { wait([=] { return cudaStreamQuery(stream); }, "cudaStreamQuery"); }
  void wait(cudaEvent_t event) const { wait([=] { return cudaEventQuery(event); }, "cudaEventQuery"); }
  /// Whether a wait for it would end at once, if only by an error.
  static bool is_done(cudaEvent_t event, int device);
  /// For an end that must come: whether it was done in time. Never throws.
  static bool done_in_time(cudaStream_t stream);

 private:
  void wait(const std::function<cudaError_t()>& query, const char* call) const;

  const std::atomic<bool>* stop_ = nullptr;
  std::function<void()> watch_;
};

}  // namespace cw
