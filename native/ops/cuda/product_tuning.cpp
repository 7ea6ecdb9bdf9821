#include "ops/cuda/product_tuning.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/cuda/runtime.h"

namespace cw {
namespace {

constexpr size_t kRepeats = 5;
constexpr float kClearly = 0.98f;  // of the time to beat

}  // namespace

std::optional<ProductAlgorithm> fastest(const ProductPlan& plan, const ProductPlan::Operands& operands, cudaStream_t stream,
                                        const Waiter& waiter) {
  std::array<OwnedEvent, kRepeats + 1> events;
  for (OwnedEvent& event : events) event = make_timed_event();
  std::optional<ProductAlgorithm> best;
  float least = std::numeric_limits<float>::infinity();
  for (const ProductAlgorithm& algorithm : plan.proposed()) {
    const auto run = [&] { return plan.run(algorithm, operands, stream); };
    const lt::Status status = run();  // loads its kernels
    if (refused(status)) continue;
    check(status, "Matmul");
    CW_CUDA(cudaEventRecord(events[0].get(), stream));
    for (size_t i = 1; i <= kRepeats; ++i) {
      check(run(), "Matmul");
      CW_CUDA(cudaEventRecord(events[i].get(), stream));
    }
    waiter.wait(events[kRepeats].get());
    std::array<float, kRepeats> ms;
    for (size_t i = 0; i < kRepeats; ++i) CW_CUDA(cudaEventElapsedTime(&ms[i], events[i].get(), events[i + 1].get()));
    std::nth_element(ms.begin(), ms.begin() + kRepeats / 2, ms.end());
    if (const float median = ms[kRepeats / 2]; median < least * kClearly) {
      least = median;
      best = algorithm;
    }
  }
  return best;
}

}  // namespace cw
