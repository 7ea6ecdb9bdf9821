// Activations and their derivatives over whole matrices, from the types that oneDNN multiplies, f32 and bf16, to any.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// Φ(x) and φ(x)-like factor e^(-x²/2). erf after Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
struct Normal {
  V cdf, bell;
};
inline Normal normal(V x) {
  const V ax = max(x, set1(0) - x);
  const V bell = exp(x * x * set1(-0.5f));
  const V t = set1(1) / fma(ax, set1(0.3275911f * 0.70710678f), set1(1));
  V p = set1(1.061405429f);
  p = fma(p, t, set1(-1.453152027f));
  p = fma(p, t, set1(1.421413741f));
  p = fma(p, t, set1(-0.284496736f));
  p = fma(p, t, set1(0.254829592f));
  const V half = p * t * bell * set1(0.5f);  // (1 - erf(|x|/√2)) / 2
  // Φ(x) = half for x < 0, 1 - half otherwise, without a branch: sign = ±1.
  const V sign = x < set1(0) ? set1(-1) : set1(1);
  return {fma(sign, set1(0.5f) - half, set1(0.5f)), bell};
}

inline V sigmoid(V x) { return set1(1) / (set1(1) + exp(set1(0) - x)); }

/// d/dx of x·sigmoid(g(x)), from g and g' at x: s·(1 + x·g'·(1 - s)). 1 - s is e^-g·s: as a difference it would lose its
/// digits where s is near 1, and x·g' would magnify what is left.
inline V gated_slope(V x, V gate, V gate_slope) {
  const V e = exp(set1(0) - gate);
  const V s = set1(1) / (set1(1) + e);
  return s * fma(x * gate_slope, e * s, set1(1));
}

/// The tanh form is x·sigmoid(2u), u = √(2/π)·(x + 0.044715·x³). Unlike 1 + tanh(u), a sigmoid keeps its digits far left.
constexpr float kTwoU = 2 * 0.7978845608f, kCubic = 0.044715f;
inline V two_u(V x) { return x * set1(kTwoU) * fma(x * x, set1(kCubic), set1(1)); }

template <Act act>
inline V value(V x) {
  if constexpr (act == Act::gelu) return x * normal(x).cdf;
  if constexpr (act == Act::gelu_tanh) return x * sigmoid(two_u(x));
  if constexpr (act == Act::quick_gelu) return x * sigmoid(x * set1(1.702f));
  return x;
}

template <Act act>
inline V slope(V x) {
  if constexpr (act == Act::gelu) {
    const Normal g = normal(x);
    return fma(x * set1(0.3989422804f), g.bell, g.cdf);
  }
  if constexpr (act == Act::gelu_tanh)
    return gated_slope(x, two_u(x), set1(kTwoU) * fma(x * x, set1(3 * kCubic), set1(1)));
  if constexpr (act == Act::quick_gelu) return gated_slope(x, x * set1(1.702f), set1(1.702f));
  return set1(1);
}

/// Calls body(row, first, count) for stretches of every row, shared out evenly among threads.
template <class Body>
void for_stretches(int64_t rows, int64_t cols, Body&& body) {
  constexpr int64_t kStretch = 2048;
  const int64_t across = (cols + kStretch - 1) / kStretch;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows * across; ++i) {
    const int64_t first = i % across * kStretch;
    body(i / across, first, first + kStretch < cols ? kStretch : cols - first);
  }
}

template <Act act, class X, class Y>
void forward(const Tensor& x, const Tensor& residual, const Tensor& y) {
  for_stretches(x.rows, x.cols, [&](int64_t r, int64_t first, int64_t count) {
    const X* from = x.row<X>(r) + first;
    const Y* add = residual ? residual.row<Y>(r) + first : nullptr;
    Y* to = y.row<Y>(r) + first;
    for_vectors(count, [&](int64_t i, int64_t n) {
      V v = value<act>(load_some(from + i, n));
      if (add) v += load_some(add + i, n);
      store_some(to + i, v, n);
    });
  });
}

template <Act act, class D, class T>
void backward(const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  for_stretches(dx.rows, dx.cols, [&](int64_t r, int64_t first, int64_t count) {
    const T* at = pre.row<T>(r) + first;
    const D* from = dy.row<D>(r) + first;
    T* d = dx.row<T>(r) + first;
    T* again = hidden ? hidden.row<T>(r) + first : nullptr;
    for_vectors(count, [&](int64_t i, int64_t n) {
      const V x = load_some(at + i, n);
      store_some(d + i, load_some(from + i, n) * slope<act>(x), n);
      if (again) store_some(again + i, value<act>(x), n);
    });
  });
}

template <Act act>
void forward_typed(const Tensor& x, const Tensor& residual, const Tensor& y) {
  with_storage(y.dtype, [&]<class Y>(Y) {
    x.dtype == DType::f32 ? forward<act, float, Y>(x, residual, y) : forward<act, bf16, Y>(x, residual, y);
  });
}

template <Act act>
void backward_typed(const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  with_storage(dx.dtype, [&]<class T>(T) {
    dy.dtype == DType::f32 ? backward<act, float, T>(pre, dy, dx, hidden) : backward<act, T, T>(pre, dy, dx, hidden);
  });
}

void activation(Act act, const Tensor& x, const Tensor& residual, const Tensor& y) {
  switch (act) {
    case Act::none: return forward_typed<Act::none>(x, residual, y);
    case Act::gelu: return forward_typed<Act::gelu>(x, residual, y);
    case Act::gelu_tanh: return forward_typed<Act::gelu_tanh>(x, residual, y);
    case Act::quick_gelu: return forward_typed<Act::quick_gelu>(x, residual, y);
  }
}

void activation_grad(Act act, const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  switch (act) {
    case Act::none: return;
    case Act::gelu: return backward_typed<Act::gelu>(pre, dy, dx, hidden);
    case Act::gelu_tanh: return backward_typed<Act::gelu_tanh>(pre, dy, dx, hidden);
    case Act::quick_gelu: return backward_typed<Act::quick_gelu>(pre, dy, dx, hidden);
  }
}

}  // namespace

void add_activation(Kernels& k) {
  k.activation = activation;
  k.activation_grad = activation_grad;
}

}  // namespace cw::CW_ISA
