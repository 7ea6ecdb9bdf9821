// Activations and their slopes, a vector at a time.
#pragma once
#include "ops/cpu/kernels/simd.h"
#include "ops/linear.h"

namespace cw::CW_ISA {
namespace {

/// 1 / x, 1 ulp, of a normal x whose inverse is one.
inline V inverse(V x) {
#ifdef __AVX512F__
  const V near = _mm512_rcp14_ps(x);  // 14 bits, and a step of Newton's: a third of a division's time
  return fma(near, _mm512_fnmadd_ps(x, near, set1(1)), near);
#else
  return set1(1) / x;
#endif
}

/// Φ(x) and φ(x)-like factor e^(-x²/2). erf after Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
struct Normal {
  V cdf, bell;
};
inline Normal normal(V x) {
  const V ax = max(x, set1(0) - x);
  const V bell = exp(x * x * set1(-0.5f));
  const V t = inverse(fma(min(set1(64), ax), set1(0.3275911f * 0.70710678f), set1(1)));  // the bell is 0 there
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

/// Calls body with the activation as a constant: with_act(act, [&]<Act act>() { run<act>(op); }).
template <class Body>
inline __attribute__((always_inline)) void with_act(Act act, Body&& body) {
  switch (act) {
    case Act::none: return body.template operator()<Act::none>();
    case Act::gelu: return body.template operator()<Act::gelu>();
    case Act::gelu_tanh: return body.template operator()<Act::gelu_tanh>();
    case Act::quick_gelu: return body.template operator()<Act::quick_gelu>();
  }
}

}  // namespace
}  // namespace cw::CW_ISA
