// The optimizer's passes over all parameters: memory-bound, so everything that touches a parameter happens in one.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

float control(const Tensor& t, Control c) { return t.as<float>()[static_cast<int>(c)]; }

/// What one step has in common for all parameters of a segment.
struct Rates {
  V clip, lr, decay, beta1, rest1, beta2, rest2, correct1, correct2, eps, momentum;
};

struct Block {
  const Segment* segment;
  int64_t first, count;
};

/// The i-th block of kNormBlock elements over all segments, each cut on its own.
Block block_at(const Segments& s, int64_t i) {
  for (int64_t k = 0; k < s.count; ++k) {
    const int64_t blocks = (s.items[k].count + kNormBlock - 1) / kNormBlock;
    if (i < blocks) {
      const int64_t first = i * kNormBlock, rest = s.items[k].count - first;
      return {s.items + k, first, rest < kNormBlock ? rest : kNormBlock};
    }
    i -= blocks;
  }
  return {nullptr, 0, 0};
}

int64_t block_count(const Segments& s) {
  int64_t blocks = 0;
  for (int64_t k = 0; k < s.count; ++k) blocks += (s.items[k].count + kNormBlock - 1) / kNormBlock;
  return blocks;
}

void squares(const Segments& segments, double* sums) {
  const int64_t blocks = block_count(segments);
#pragma omp parallel for schedule(static)
  for (int64_t b = 0; b < blocks; ++b) {
    const Block block = block_at(segments, b);
    const float* g = block.segment->grad + block.first;
    double total = 0;
    for (int64_t i = 0; i < block.count; i += 1024) {  // short float sums, a double one over them
      const int64_t end = i + 1024 < block.count ? i + 1024 : block.count;
      V part = set1(0);
      for_vectors(end - i, [&](int64_t j, int64_t n) {
        const V v = load_some(g + i + j, n);
        part = fma(v, v, part);
      });
      total += static_cast<double>(sum(part));
    }
    sums[b] = total;
  }
}

template <Rule rule, class Compute>
void update(const Segment& s, int64_t first, int64_t count, const Rates& r, bool first_step) {
  float *p = s.value + first, *m = s.m ? s.m + first : nullptr, *v = s.v ? s.v + first : nullptr;
  const float* g = s.grad + first;
  Compute* copy = s.compute ? static_cast<Compute*>(s.compute) + first : nullptr;
  for_vectors(count, [&](int64_t i, int64_t n) {
    V value = load_some(p + i, n), grad = load_some(g + i, n) * r.clip;
    if constexpr (rule == Rule::adamw) {
      const V mean = fma(r.beta1, load_some(m + i, n), r.rest1 * grad);
      const V square = fma(r.beta2, load_some(v + i, n), r.rest2 * grad * grad);
      store_some(m + i, mean, n);
      store_some(v + i, square, n);
      value = value - r.lr * r.decay * value;
      value = value - r.lr * (mean * r.correct1) / fma(sqrt(square), r.correct2, r.eps);
    } else {
      grad = fma(r.decay, value, grad);
      if (m) {
        if (!first_step) grad = fma(r.momentum, load_some(m + i, n), grad);
        store_some(m + i, grad, n);
      }
      value = value - r.lr * grad;
    }
    store_some(p + i, value, n);
    if (copy) store_some(copy + i, value, n);
  });
}

void optimizer_step(const OptimizerStep& op) {
  if (control(op.control, Control::skip) != 0) return;
  const double t = control(op.control, Control::step);
  const double correct1 = 1 - __builtin_pow(static_cast<double>(op.beta1), t);
  const double correct2 = 1 - __builtin_pow(static_cast<double>(op.beta2), t);
  const float lr = control(op.control, Control::lr);
  const int64_t blocks = block_count(op.segments);
#pragma omp parallel for schedule(static)
  for (int64_t b = 0; b < blocks; ++b) {
    const Block block = block_at(op.segments, b);
    const Segment& s = *block.segment;
    const Rates r{.clip = set1(control(op.control, Control::clip)),
                  .lr = set1(lr * s.lr_scale),
                  .decay = set1(s.weight_decay),
                  .beta1 = set1(op.beta1),
                  .rest1 = set1(1 - op.beta1),
                  .beta2 = set1(op.beta2),
                  .rest2 = set1(1 - op.beta2),
                  .correct1 = set1(static_cast<float>(1 / correct1)),
                  .correct2 = set1(static_cast<float>(1 / __builtin_sqrt(correct2))),
                  .eps = set1(op.eps),
                  .momentum = set1(op.momentum)};
    with_storage(op.segments.compute_type, [&]<class Compute>(Compute) {
      if (op.rule == Rule::adamw)
        update<Rule::adamw, Compute>(s, block.first, block.count, r, t <= 1);
      else
        update<Rule::sgd, Compute>(s, block.first, block.count, r, t <= 1);
    });
  }
}

}  // namespace

void add_optimizer(Kernels& k) {
  k.squares = squares;
  k.optimizer_step = optimizer_step;
}

}  // namespace cw::CW_ISA
