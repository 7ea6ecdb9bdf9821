#include "engine/product_rate.h"

#include <algorithm>
#include <chrono>

#include "core/arena.h"
#include "ops/backend.h"

namespace cw {

double product_rate(DType type) {
  constexpr int64_t kRows = 3200, kIn = 768, kOut = 3072;  // c_fc of ViT-B/32 at batch 64
  constexpr int kRuns = 12;
  const auto backend = make_backend("cpu", 0);
  const auto take = [&](Arena arena, auto&& use) {
    const Tensor x = arena.take(kRows, kIn, type), y = arena.take(kRows, kOut, type);
    const Tensor master = arena.take(kOut, kIn, DType::f32);
    const Tensor compute = type == DType::f32 ? master : arena.take(kOut, kIn, type);
    const Weight weight{.master = master, .compute = compute, .id = 1};
    use(Linear{.x = x, .w = {.weight = &weight}, .y = y}, arena.peak());
  };
  std::unique_ptr<Buffer> memory, scratch;
  take(Arena::measuring(), [&](const Linear& op, size_t bytes) {
    memory = backend->allocate(bytes);
    scratch = backend->allocate(backend->scratch(op));
  });
  backend->set_scratch(scratch->data(), scratch->bytes());
  double best = 0;
  take(Arena(memory->data(), memory->bytes()), [&](const Linear& op, size_t) {
    for (int run = 0; run < kRuns; ++run) {
      const auto begin = std::chrono::steady_clock::now();
      backend->linear(op);
      backend->synchronize();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      best = std::max(best, 2e-9 * kRows * kIn * kOut / seconds.count());
    }
  });
  return best;
}

}  // namespace cw
