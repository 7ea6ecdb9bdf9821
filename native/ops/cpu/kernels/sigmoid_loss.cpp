// The pass over one tile of products image·text between oneDNN's calls: the sigmoid loss of its pairs, and their gradient.
// With e = exp(-|logit|) both come without overflow: sigmoid(|logit|) = 1/(1+e), softplus(|logit|) = |logit| + log(1+e).
#include "ops/cpu/kernels/pair_blocks.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// Of a pair that is no true one.
struct Negative {
  V loss, gradient;  // softplus(logit), sigmoid(logit)
};

/// log(1+e) = 2·artanh(e / (2+e)) by its series: seven terms are exact to f32, as the argument is at most 1/3. One division
/// serves both.
inline Negative negative_of(V logit) {
  const V zero = set1(0.0f), one = set1(1.0f), two = set1(2.0f);
  const V e = exp(min(logit, zero - logit));
  const V both = one / ((one + e) * (two + e));
  const V s = e * (one + e) * both, square = s * s;
  V series = set1(1.0f / 13);
  series = fma(series, square, set1(1.0f / 11));
  series = fma(series, square, set1(1.0f / 9));
  series = fma(series, square, set1(1.0f / 7));
  series = fma(series, square, set1(1.0f / 5));
  series = fma(series, square, set1(1.0f / 3));
  series = fma(series, square, one);
  const V sigmoid_of_size = (two + e) * both;
  return {fma(two * s, series, max(logit, zero)), select(logit < zero, e, one) * sigmoid_of_size};
}

/// Row i of the tile. T: what gradients are stored as; kGradient: whether they are wanted. The true pair is left out like
/// those of a group, and added by itself.
template <class T, bool kGradient>
void sigmoid_row(const PairTile& t, const PairSigmoid& s, int64_t i) {
  float* dots = t.dots + i * t.stride;
  T* to = static_cast<T*>(s.data) + i * s.stride;  // may be the dots themselves
  const int64_t own = t.diagonal + i;
  const bool inside = own >= 0 && own < t.cols;
  const float own_dot = inside ? dots[own] : 0;
  if (inside) dots[own] = -kInfinity;
  const V scale = set1(t.scale), bias = set1(s.bias), weight = set1(s.weight), factor = set1(t.scale * s.weight);
  const V out = set1(-kInfinity), zero = set1(0.0f);
  V losses = zero, products = zero, sums = zero;
  for_vectors(t.cols, [&](int64_t c, int64_t n) {
    const V dot = load_some(dots + c, n);
    const Negative pair = negative_of(fma(dot, scale, bias));
    losses = losses + (n == kWidth ? pair.loss : keep(pair.loss, n));
    if constexpr (kGradient) {
      const V d = factor * pair.gradient, product = select(dot == out, zero, d * dot), part = weight * pair.gradient;
      products = products + (n == kWidth ? product : keep(product, n));
      sums = sums + (n == kWidth ? part : keep(part, n));
      store_some(to + c, d, n);
    }
  });
  s.row_losses[i] = sum(losses);
  if constexpr (kGradient) {
    s.row_dots[i] = sum(products);
    s.row_sums[i] = sum(sums);
  }
  if (!inside) return;
  // softplus(-logit), whose derivative is -sigmoid(-logit).
  const Negative pair = negative_of(set1(-(t.scale * own_dot + s.bias)));
  s.row_losses[i] += lane0(pair.loss);
  if constexpr (kGradient) {
    const float part = s.weight * lane0(pair.gradient);
    store(to + own, set1(-t.scale * part), 1);
    s.row_dots[i] -= t.scale * part * own_dot;
    s.row_sums[i] -= part;
  }
}

void pair_sigmoid(const PairTile& t, const PairSigmoid& s) {
  const int64_t blocks = block_count(t);
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < blocks; ++k) {
    const Block b = block_of(t, k);
    if (t.row_groups) mask_groups(t, b);
    for (int64_t i = b.first; i < b.first + b.rows; ++i) {
      if (!s.data)
        sigmoid_row<float, false>(t, s, i);
      else if (s.bf16)
        sigmoid_row<bf16, true>(t, s, i);
      else
        sigmoid_row<float, true>(t, s, i);
    }
  }
}

}  // namespace

void add_sigmoid_loss(Kernels& k) { k.pair_sigmoid = pair_sigmoid; }

}  // namespace cw::CW_ISA
