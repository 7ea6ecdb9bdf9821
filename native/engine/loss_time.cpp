#include "engine/loss_time.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/peak_memory.h"
#include "engine/planned_runs.h"

namespace cw {
namespace {

/// Tensors that are there before the loss begins.
class Held {
 public:
  explicit Held(Backend& backend) : backend_(backend) {}
  Tensor take(int64_t rows, int64_t cols) {
    const Tensor shape = Tensor::of(nullptr, DType::f32, rows, cols);
    buffers_.push_back(backend_.allocate(shape.bytes()));
    return Tensor::of(buffers_.back()->data(), DType::f32, rows, cols);
  }

 private:
  Backend& backend_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace

LossTime loss_time(const PairLoss& loss, const std::string& device, int threads, int64_t pairs, int64_t width, DType products,
                   int runs) {
  using Clock = std::chrono::steady_clock;
  const auto backend = make_backend(device, threads);
  Held held(*backend);
  const PairFeatures f{.image = held.take(pairs, width), .text = held.take(pairs, width), .dimage = held.take(pairs, width),
                       .dtext = held.take(pairs, width), .loss = held.take(1, 1), .products = products};
  const PairParameters p{.logit_scale = held.take(1, 1), .dlogit_scale = held.take(1, 1)};
  const float scale = std::log(1 / 0.07f);  // what CLIP begins with
  backend->upload(p.logit_scale, &scale);
  uint64_t stream = 0;
  for (const Tensor& t : {f.image, f.text}) backend->random_init({.y = t, .seed = 1, .stream = stream++});
  for (const Tensor& t : {f.dimage, f.dtext}) backend->fill({.y = t});  // so that their pages are there
  backend->synchronize();

  PlannedRuns planned(*backend, DType::f32);
  LossTime result{.seconds = std::numeric_limits<double>::infinity()};
  const auto body = [&](PlannedRuns::Run& run) {
    for (int i = 0; i < (run.backend ? runs + 1 : 1); ++i) {
      const auto begin = Clock::now();
      loss.run(run.context.ops, run.context.arena, f, p);
      if (!run.backend) continue;
      run.backend->synchronize();
      if (i > 0) result.seconds = std::min(result.seconds, std::chrono::duration<double>(Clock::now() - begin).count());
    }
  };
  result.extra_bytes = planned.measure(body).total();
  const bool can_tell = !backend->concurrent() && forget_peak_memory();
  const auto before = resident_memory();
  planned.run(body);
  const auto after = resident_memory();
  if (can_tell && before && after) {
    result.extra_bytes = after->peak > before->now ? after->peak - before->now : 0;
    result.measured = true;
  }
  return result;
}

}  // namespace cw
