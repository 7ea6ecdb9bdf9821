#include "ops/cuda/waiter.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "core/error.h"

namespace cw {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(5);
/// Short waits are spun through; a longer one lets the thread sleep, which costs it at most so much.
constexpr auto kSpin = std::chrono::microseconds(200);
constexpr auto kNap = std::chrono::microseconds(50);

}  // namespace

void Waiter::wait(const std::function<cudaError_t()>& query, const char* call) const {
  const auto begin = Clock::now();
  std::optional<Clock::time_point> end;
  for (;;) {
    const cudaError_t e = query();
    if (e != cudaErrorNotReady) return check(e, call);
    const auto now = Clock::now();
    if (!end && stop_ && stop_->load(std::memory_order_relaxed)) end = now + kPatience;
    if (end && now > *end)
      throw Error(Code::device, "[cuda] the card did not finish its work within " + std::to_string(kPatience.count()) +
                                    " s after the session was closed; see nvidia-smi");
    if (now - begin <= kSpin) continue;
    if (watch_) watch_();
    std::this_thread::sleep_for(kNap);
  }
}

bool Waiter::is_done(cudaEvent_t event, int device) {
  return cudaSetDevice(device) != cudaSuccess || cudaEventQuery(event) != cudaErrorNotReady;
}

bool Waiter::done_in_time(cudaStream_t stream) {
  const std::atomic<bool> stop{true};
  Waiter waiter;
  waiter.set_stop(&stop);
  try {
    waiter.wait(stream);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace cw
