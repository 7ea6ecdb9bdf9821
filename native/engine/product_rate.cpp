#include "engine/product_rate.h"

#include <algorithm>
#include <chrono>

#include "engine/planned_runs.h"

namespace cw {
namespace {

constexpr int kRuns = 12, kMostRuns = 2000;
constexpr double kSeconds = 0.2;  // small products run more often

struct Operands {
  Tensor x, y, master;
  Weight weight;
};

void multiply(Ops& ops, Pass pass, const Operands& o) {
  switch (pass) {
    case Pass::forward: return ops.linear({.x = o.x, .w = {.weight = &o.weight}, .y = o.y});
    case Pass::input_grad: return ops.linear_input_grad({.dy = o.y, .w = {.weight = &o.weight}, .dx = o.x});
    case Pass::weight_grad: return ops.linear_weight_grad({.dy = o.y, .x = o.x, .dw = o.master});
  }
}

}  // namespace

double product_rate(const ProductShape& s) {
  using Clock = std::chrono::steady_clock;
  const auto backend = make_backend("cpu", s.threads);
  PlannedRuns runs(*backend, s.type);
  const double gflop = 2e-9 * static_cast<double>(s.rows) * static_cast<double>(s.in) * static_cast<double>(s.out);
  double best = 0;
  runs.run([&](PlannedRuns::Run& run) {
    Ops& ops = run.context.ops;
    Arena& arena = run.context.arena;
    const DType type = run.context.type;
    const Frame frame(arena);
    Operands o{.x = arena.take(s.rows, s.in, type), .y = arena.take(s.rows, s.out, type), .master = arena.take(s.out, s.in, DType::f32)};
    o.weight = {.master = o.master, .compute = type == DType::f32 ? o.master : arena.take(s.out, s.in, type), .id = 1};
    if (!run.backend) return multiply(ops, s.pass, o);
    double total = 0;
    for (int i = 0; i < kMostRuns && (i < kRuns || total < kSeconds); ++i) {
      const auto begin = Clock::now();
      multiply(ops, s.pass, o);
      const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      best = std::max(best, gflop / seconds);
      total += seconds;
    }
  });
  return best;
}

double memory_rate(int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kRows = 1 << 13, kCols = 1 << 12;  // 128 MiB each way
  const auto backend = make_backend("cpu", threads);
  const Tensor shape = Tensor::of(nullptr, DType::f32, kRows, kCols);
  const auto from = backend->allocate(shape.bytes()), to = backend->allocate(shape.bytes());
  const Cast copy{.x = Tensor::of(from->data(), DType::f32, kRows, kCols), .y = Tensor::of(to->data(), DType::f32, kRows, kCols)};
  backend->fill({.y = copy.x, .value = 1});  // pages that were never written are read from one page of zeros
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto begin = Clock::now();
    backend->cast(copy);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (i > 0) best = std::max(best, 2 * static_cast<double>(shape.bytes()) / seconds);  // the first finds no pages yet
  }
  return best;
}

}  // namespace cw
