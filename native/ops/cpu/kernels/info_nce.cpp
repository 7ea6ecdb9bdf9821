// The passes over one tile of products text·image: softmax statistics, and the gradient.
//
// A tile is worked on in blocks of kPairRows rows, which stay in a core's cache. Within a block both softmaxes use one
// exponential, with the block's largest logit as reference, as long as no term can underflow; where the block's range is
// too wide for that (a scale near 100 with well separated pairs), rows and columns get references of their own.
#include "ops/cpu/kernels/pair_blocks.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// Widest range of logits that share a reference. A line's sum is then at least exp(-60), so that what another block's
/// sum loses below exp(-87) when both are put together is too small to be seen.
constexpr float kSafeRange = 60.0f;

struct Range {
  float low, high;  // of the dots that are not left out; low > high when all are
};

Range range_of(const PairTile& t, const Block& b) {
  V low = set1(kInfinity), high = set1(-kInfinity);
  const V out = set1(-kInfinity);
  for (int64_t r = 0; r < b.rows; ++r) {
    const float* row = b.dots + r * t.stride;
    for (int64_t c = 0; c < t.cols; c += kWidth) {
      const int64_t n = lanes_left(t.cols - c);
      const V x = load(row + c, n);
      high = max(high, keep(x, n, -kInfinity));
      low = min(low, keep(select(x == out, set1(kInfinity), x), n, kInfinity));
    }
  }
  return {smallest(low), largest(high)};
}

float scaled_reference(float scale, float dot) {
  const float x = scale * dot;
  return x > kNoMaximum ? x : kNoMaximum;
}

/// sum · exp(reference - to), where `to` is a later, larger reference.
float rescaled(float sum, float reference, float to) { return sum * exp_scalar(reference - to); }

void merge_row(float reference, float sum, float* running_max, float* running_sum) {
  if (sum == 0) return;  // all left out: the reference is other rows' and must not count
  const float largest = *running_max > reference ? *running_max : reference;
  *running_sum = rescaled(*running_sum, *running_max, largest) + rescaled(sum, reference, largest);
  *running_max = largest;
}

void shared_exponential(const PairTile& t, const Block& b, float reference, const PairStatistics& s, float* maxima,
                        float* sums) {
  const V scale = set1(t.scale), offset = set1(-reference);
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    store(sums + c, set1(0.0f), n);
  }
  for (int64_t r = 0; r < b.rows; ++r) {
    const float* row = b.dots + r * t.stride;
    V total = set1(0.0f);
    for (int64_t c = 0; c < t.cols; c += kWidth) {
      const int64_t n = lanes_left(t.cols - c);
      const V e = keep(exp(fma(load(row + c, n), scale, offset)), n, 0.0f);
      total = total + e;
      store(sums + c, load(sums + c, n) + e, n);
    }
    merge_row(reference, sum(total), s.row_max + b.first + r, s.row_sum + b.first + r);
  }
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    store(maxima + c, select(load(sums + c, n) == set1(0.0f), set1(kNoMaximum), set1(reference)), n);
  }
}

void own_exponentials(const PairTile& t, const Block& b, const PairStatistics& s, float* maxima, float* sums) {
  const V scale = set1(t.scale);
  for (int64_t r = 0; r < b.rows; ++r) {
    const float* row = b.dots + r * t.stride;
    V high = set1(-kInfinity), total = set1(0.0f);
    for (int64_t c = 0; c < t.cols; c += kWidth) {
      const int64_t n = lanes_left(t.cols - c);
      high = max(high, keep(load(row + c, n), n, -kInfinity));
    }
    const float reference = scaled_reference(t.scale, largest(high));
    for (int64_t c = 0; c < t.cols; c += kWidth) {
      const int64_t n = lanes_left(t.cols - c);
      total = total + keep(exp(fma(load(row + c, n), scale, set1(-reference))), n, 0.0f);
    }
    merge_row(reference, sum(total), s.row_max + b.first + r, s.row_sum + b.first + r);
  }
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    V high = set1(-kInfinity), total = set1(0.0f);
    for (int64_t r = 0; r < b.rows; ++r) high = max(high, load(b.dots + r * t.stride + c, n));
    const V reference = max(high * scale, set1(kNoMaximum));
    for (int64_t r = 0; r < b.rows; ++r) total = total + exp(fma(load(b.dots + r * t.stride + c, n), scale, set1(0.0f) - reference));
    store(maxima + c, reference, n);
    store(sums + c, total, n);
  }
}

/// The blocks' partial sums of columns, in the order of the blocks.
void merge_columns(const PairTile& t, const PairStatistics& s) {
  const int64_t blocks = block_count(t);
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    const V before = load(s.col_max + c, n);
    V top = before;
    for (int64_t k = 0; k < blocks; ++k) top = max(top, load(s.block_max + k * t.cols + c, n));
    V total = load(s.col_sum + c, n) * exp(before - top);
    for (int64_t k = 0; k < blocks; ++k)
      total = fma(load(s.block_sum + k * t.cols + c, n), exp(load(s.block_max + k * t.cols + c, n) - top), total);
    store(s.col_max + c, top, n);
    store(s.col_sum + c, total, n);
  }
}

/// Row i of the tile's gradient: exp(logit - lse) = exp(logit - reference)·exp(reference - lse) where a block shares its
/// exponential. An lse is at least any logit of its row or column, so that neither factor can overflow then.
struct GradientBlock {
  bool shared;
  float reference;
  alignas(64) float col_factors[kPairCols];  // exp(reference - col_lse)
};

template <class T>
void gradient_row(const PairTile& t, const PairGradient& g, const GradientBlock& block, int64_t i) {
  const float* dots = t.dots + i * t.stride;
  T* to = static_cast<T*>(g.data) + i * g.stride;  // may be the dots themselves
  const int64_t own = t.diagonal + i;
  const bool inside = own >= 0 && own < t.cols;
  const float own_dot = inside ? dots[own] : 0;
  const float factor = t.scale * g.weight, lse = g.row_lse[i];
  const V scale = set1(t.scale), offset = set1(-block.reference), row_factor = set1(exp_scalar(block.reference - lse));
  const V out = set1(-kInfinity), zero = set1(0.0f);
  V products = zero;
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    const V dot = load(dots + c, n);
    const V p = block.shared ? exp(fma(dot, scale, offset)) * (row_factor + load(block.col_factors + c))
                             : exp(fma(dot, scale, set1(-lse))) + exp(fma(dot, scale, zero - load(g.col_lse + c, n)));
    const V d = p * set1(factor);
    products = products + keep(select(dot == out, zero, d * dot), n, 0.0f);
    store(to + c, d, n);
  }
  g.row_dots[i] = sum(products);
  if (!inside) return;
  const float logit = t.scale * own_dot;
  const float d = factor * (exp_scalar(logit - lse) + exp_scalar(logit - g.col_lse[own]) - 2);
  store(to + own, set1(d), 1);
  g.row_dots[i] -= 2 * factor * own_dot;
}

void pair_statistics(const PairTile& t, const PairStatistics& s) {
  const int64_t blocks = block_count(t);
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < blocks; ++k) {
    const Block b = block_of(t, k);
    if (t.row_groups) mask_groups(t, b);
    const Range range = range_of(t, b);
    float *maxima = s.block_max + k * t.cols, *sums = s.block_sum + k * t.cols;
    if (t.scale * (range.high - range.low) <= kSafeRange)
      shared_exponential(t, b, scaled_reference(t.scale, range.high), s, maxima, sums);
    else
      own_exponentials(t, b, s, maxima, sums);
  }
  merge_columns(t, s);
}

void pair_gradient(const PairTile& t, const PairGradient& g) {
  const int64_t blocks = block_count(t);
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < blocks; ++k) {
    const Block b = block_of(t, k);
    if (t.row_groups) mask_groups(t, b);
    const Range range = range_of(t, b);
    GradientBlock block;
    block.shared = t.scale * (range.high - range.low) <= kSafeRange;
    block.reference = scaled_reference(t.scale, range.high);
    for (int64_t c = 0; c < t.cols; c += kWidth)
      store(block.col_factors + c, exp(set1(block.reference) - load(g.col_lse + c, lanes_left(t.cols - c))));
    for (int64_t i = b.first; i < b.first + b.rows; ++i) {
      if (g.bf16)
        gradient_row<bf16>(t, g, block, i);
      else
        gradient_row<float>(t, g, block, i);
    }
  }
}

}  // namespace

void add_info_nce(Kernels& k) {
  k.pair_statistics = pair_statistics;
  k.pair_gradient = pair_gradient;
}

}  // namespace cw::CW_ISA
