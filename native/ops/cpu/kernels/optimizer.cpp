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

Rates rates_of(const OptimizerStep& op, const Segment& s) {
  const double t = control(op.control, Control::step);
  const double correct1 = 1 - __builtin_pow(static_cast<double>(op.beta1), t);
  const double correct2 = 1 - __builtin_pow(static_cast<double>(op.beta2), t);
  return {.clip = set1(control(op.control, Control::clip)),
          .lr = set1(control(op.control, Control::lr) * s.lr_scale),
          .decay = set1(s.weight_decay),
          .beta1 = set1(op.beta1),
          .rest1 = set1(1 - op.beta1),
          .beta2 = set1(op.beta2),
          .rest2 = set1(1 - op.beta2),
          .correct1 = set1(static_cast<float>(1 / correct1)),
          .correct2 = set1(static_cast<float>(1 / __builtin_sqrt(correct2))),
          .eps = set1(op.eps),
          .momentum = set1(op.momentum)};
}

/// Adam's update without its rate, of moments that have been moved.
inline V adam_direction(const Rates& r, V mean, V square) {
  return (mean * r.correct1) / fma(sqrt(square), r.correct2, r.eps);
}

struct Moments {
  float *m, *v;
};

inline V move_moments(const Rates& r, Moments at, int64_t i, int64_t n, V grad) {
  const V mean = fma(r.beta1, load_some(at.m + i, n), r.rest1 * grad);
  const V square = fma(r.beta2, load_some(at.v + i, n), r.rest2 * grad * grad);
  store_some(at.m + i, mean, n);
  store_some(at.v + i, square, n);
  return adam_direction(r, mean, square);
}

inline V sign(V x) { return select(x > set1(0), set1(1), select(x < set1(0), set1(-1), set1(0))); }

/// lamb finds its moments moved, and its trust ratio in r.lr.
template <Rule rule, class Compute>
void update(const Segment& s, int64_t first, int64_t count, const Rates& r, bool first_step) {
  float* p = s.value + first;
  const Moments at{s.m ? s.m + first : nullptr, s.v ? s.v + first : nullptr};
  const float* g = s.grad + first;
  Compute* copy = s.compute ? static_cast<Compute*>(s.compute) + first : nullptr;
  for_vectors(count, [&](int64_t i, int64_t n) {
    V value = load_some(p + i, n);
    if constexpr (rule == Rule::adamw) {
      const V direction = move_moments(r, at, i, n, load_some(g + i, n) * r.clip);
      value = value - r.lr * r.decay * value;
      value = value - r.lr * direction;
    } else if constexpr (rule == Rule::adam) {
      value = value - r.lr * move_moments(r, at, i, n, fma(r.decay, value, load_some(g + i, n) * r.clip));
    } else if constexpr (rule == Rule::lion) {
      const V grad = load_some(g + i, n) * r.clip, mean = load_some(at.m + i, n);
      store_some(at.m + i, fma(r.beta2, mean, r.rest2 * grad), n);
      value = value - r.lr * fma(r.decay, value, sign(fma(r.beta1, mean, r.rest1 * grad)));
    } else if constexpr (rule == Rule::lamb) {
      value = value - r.lr * fma(r.decay, value, adam_direction(r, load_some(at.m + i, n), load_some(at.v + i, n)));
    } else {
      V grad = fma(r.decay, value, load_some(g + i, n) * r.clip);
      if (at.m) {
        if (!first_step) grad = fma(r.momentum, load_some(at.m + i, n), grad);
        store_some(at.m + i, grad, n);
      }
      value = value - r.lr * grad;
    }
    store_some(p + i, value, n);
    if (copy) store_some(copy + i, value, n);
  });
}

void lamb_moments(const OptimizerStep& op, double* sums) {
  const int64_t blocks = block_count(op.segments);
#pragma omp parallel for schedule(static)
  for (int64_t b = 0; b < blocks; ++b) {
    const Block block = block_at(op.segments, b);
    const Segment& s = *block.segment;
    const Rates r = rates_of(op, s);
    double values = 0, updates = 0;
    for (int64_t i = 0; i < block.count; i += 1024) {  // short float sums, double ones over them
      const int64_t first = block.first + i, end = i + 1024 < block.count ? i + 1024 : block.count;
      V some_values = set1(0), some_updates = set1(0);
      for_vectors(end - i, [&](int64_t j, int64_t n) {
        const V value = load_some(s.value + first + j, n), grad = load_some(s.grad + first + j, n) * r.clip;
        const V update = fma(r.decay, value, move_moments(r, {s.m + first, s.v + first}, j, n, grad));
        some_values = fma(value, value, some_values);
        some_updates = fma(update, update, some_updates);  // lanes past the end: zero moments, so zero
      });
      values += static_cast<double>(sum(some_values));
      updates += static_cast<double>(sum(some_updates));
    }
    sums[2 * b] = values;
    sums[2 * b + 1] = updates;
  }
}

template <Rule rule>
void step_by(const OptimizerStep& op, const float* ratios) {
  const int64_t blocks = block_count(op.segments);
  const bool first_step = control(op.control, Control::step) <= 1;
#pragma omp parallel for schedule(static)
  for (int64_t b = 0; b < blocks; ++b) {
    const Block block = block_at(op.segments, b);
    Rates r = rates_of(op, *block.segment);
    if (ratios) r.lr = r.lr * set1(ratios[block.segment - op.segments.items]);
    with_storage(op.segments.compute_type, [&]<class Compute>(Compute) {
      update<rule, Compute>(*block.segment, block.first, block.count, r, first_step);
    });
  }
}

void optimizer_step(const OptimizerStep& op, const float* ratios) {
  switch (op.rule) {
    case Rule::adamw: return step_by<Rule::adamw>(op, ratios);
    case Rule::adam: return step_by<Rule::adam>(op, ratios);
    case Rule::lion: return step_by<Rule::lion>(op, ratios);
    case Rule::lamb: return step_by<Rule::lamb>(op, ratios);
    case Rule::sgd: return step_by<Rule::sgd>(op, ratios);
  }
}

}  // namespace

void add_optimizer(Kernels& k) {
  k.squares = squares;
  k.lamb_moments = lamb_moments;
  k.optimizer_step = optimizer_step;
}

}  // namespace cw::CW_ISA
