// Activations and their slopes, of an argument that is stored as X, in forms that keep their digits in both tails: exact to
// f32's last bits for f32; for 16 bits in some fifteen instructions, so that a pass over memory waits for memory alone.
// test/cuda_activation_test.cpp tries those with every argument there is.
#pragma once
#include <type_traits>

#include "ops/cuda/device/approximate.cuh"
#include "ops/cuda/launch.h"
#include "ops/ops.h"

namespace cw {

/// The tanh form is x·sigmoid(2u), u = √(2/π)·(x + 0.044715·x³).
inline constexpr float kGeluTanh = 1.5957691216f, kGeluTanhCubic = 0.044715f;
inline constexpr float kQuickGelu = 1.702f;
inline constexpr float kBell = 0.3989422804f;  // 1/√(2π)

template <class X>
struct Activation;

template <>
struct Activation<float> {
  static __device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
  /// Φ(x), through the complement: 1 + erf(x) would lose its digits far left.
  static __device__ float normal_cdf(float x) { return 0.5f * erfcf(-0.70710678f * x); }
  static __device__ float tanh_gate(float x) { return kGeluTanh * x * fmaf(kGeluTanhCubic * x, x, 1.0f); }

  /// d/dx of x·sigmoid(g(x)), from g and g' at x: s·(1 + x·g'·(1 - s)). 1 - s is sigmoid(-g): as a difference it would lose
  /// its digits where s is near 1.
  static __device__ float gated_slope(float x, float gate, float gate_slope) {
    return sigmoid(gate) * fmaf(x * gate_slope, sigmoid(-gate), 1.0f);
  }

  static __device__ float gelu(float x) { return x * normal_cdf(x); }
  static __device__ float gelu_tanh(float x) { return x * sigmoid(tanh_gate(x)); }
  static __device__ float quick_gelu(float x) { return x * sigmoid(kQuickGelu * x); }

  static __device__ float gelu_slope(float x) { return fmaf(kBell * x, expf(-0.5f * x * x), normal_cdf(x)); }
  static __device__ float gelu_tanh_slope(float x) {
    return gated_slope(x, tanh_gate(x), kGeluTanh * fmaf(3 * kGeluTanhCubic * x, x, 1.0f));
  }
  static __device__ float quick_gelu_slope(float x) { return gated_slope(x, kQuickGelu * x, kQuickGelu); }
};

/// bf16 and f16. Sums are written as the fused operations that they are to be: the test's compiler fuses none by itself.
template <class X>
struct Activation {
  static constexpr float kLog2e = 1.4426950409f;

  /// Φ(-|x|) = bell·mills with bell = e^(-x²/2), and Mills' ratio over √(2π) as a polynomial in t = 1/(1 + 0.2955·|x|): up to
  /// |x| = 5.7, where f16's tail ends, with at most 3e-6 of itself in error, up to 13.3, where bf16's does, 5e-5, and with
  /// none at 0.7518, where gelu_slope is zero.
  struct NormalTail {
    float bell, mills;
  };
  static __device__ NormalTail normal_tail(float x) {
    const float z = 0.8493218003f * x;  // √(log2(e) / 2)
    const float t = reciprocal_approximate(fmaf(0.2955486178f, fabsf(x), 1.0f));
    float p = fmaf(-0.08322281186f, t, 0.2484289761f);
    p = fmaf(p, t, -0.05220182894f);
    p = fmaf(p, t, 0.1605591399f);
    p = fmaf(p, t, 0.1077668798f);
    p = fmaf(p, t, 0.1186711383f);
    return {exp2_approximate(-z * z), t * p};
  }

  /// s = sigmoid(g) and 1 - s from the binary exponent of e^-g. Neither is a difference. The second is of use up to 2^126.
  struct Gate {
    float open, shut;
  };
  static __device__ Gate gate(float exponent) {
    const float e = exp2_approximate(exponent), s = reciprocal_approximate(1.0f + e);
    return {s, e * s};
  }
  static __device__ float tanh_exponent(float x) {
    return x * fmaf(-kLog2e * kGeluTanh * kGeluTanhCubic, x * x, -kLog2e * kGeluTanh);
  }

  static __device__ float gelu(float x) {
    const auto [bell, mills] = normal_tail(x);
    return x * (x < 0.0f ? bell * mills : fmaf(-bell, mills, 1.0f));
  }
  static __device__ float gelu_tanh(float x) { return x * gate(tanh_exponent(x)).open; }
  static __device__ float quick_gelu(float x) { return x * gate(-kLog2e * kQuickGelu * x).open; }

  /// Φ(x) + x·φ(x): left of zero bell·(mills - |x|/√(2π)), right of it what that lacks to 1.
  static __device__ float gelu_slope(float x) {
    const auto [bell, mills] = normal_tail(x);
    const float left = fmaf(-kBell, fabsf(x), mills);
    return x < 0.0f ? bell * left : fmaf(-bell, left, 1.0f);
  }
  // Beyond the bounds the slope is 0 or 1, but for less than 2^-118.
  static __device__ float gelu_tanh_slope(float x) {
    x = clamp(x, -10.0f, 10.0f);
    const auto [open, shut] = gate(tanh_exponent(x));
    return open * fmaf(x * shut, fmaf(3 * kGeluTanh * kGeluTanhCubic, x * x, kGeluTanh), 1.0f);
  }
  static __device__ float quick_gelu_slope(float x) {
    x = clamp(x, -51.0f, 51.0f);
    const auto [open, shut] = gate(-kLog2e * kQuickGelu * x);
    return open * fmaf(kQuickGelu, x * shut, 1.0f);
  }
};

template <Act act, class X>
__device__ float activate(float x) {
  using Form = Activation<X>;
  if constexpr (act == Act::gelu) return Form::gelu(x);
  if constexpr (act == Act::gelu_tanh) return Form::gelu_tanh(x);
  if constexpr (act == Act::quick_gelu) return Form::quick_gelu(x);
  return x;
}

template <Act act, class X>
__device__ float activation_slope(float x) {
  using Form = Activation<X>;
  if constexpr (act == Act::gelu) return Form::gelu_slope(x);
  if constexpr (act == Act::gelu_tanh) return Form::gelu_tanh_slope(x);
  if constexpr (act == Act::quick_gelu) return Form::quick_gelu_slope(x);
  return 1.0f;
}

/// Calls body.operator()<act>().
template <class Body>
void by_act(Act act, Body&& body) {
  switch (act) {
    case Act::none: return body.template operator()<Act::none>();
    case Act::gelu: return body.template operator()<Act::gelu>();
    case Act::gelu_tanh: return body.template operator()<Act::gelu_tanh>();
    case Act::quick_gelu: return body.template operator()<Act::quick_gelu>();
  }
}

}  // namespace cw
