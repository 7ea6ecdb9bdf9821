// Activations and their slopes, in forms that keep their digits in both tails.
#pragma once
#include "ops/cuda/launch.h"
#include "ops/ops.h"

namespace cw {

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/// Φ(x), through the complement: 1 + erf(x) would lose its digits far left.
__device__ inline float normal_cdf(float x) { return 0.5f * erfcf(-0.70710678f * x); }

/// The tanh form is x·sigmoid(2u), u = √(2/π)·(x + 0.044715·x³).
__device__ inline float gelu_gate(float x) { return 1.5957691216f * x * fmaf(0.044715f * x, x, 1.0f); }
__device__ inline float gelu_gate_slope(float x) { return 1.5957691216f * fmaf(3 * 0.044715f * x, x, 1.0f); }

/// d/dx of x·sigmoid(g(x)), from g and g' at x: s·(1 + x·g'·(1 - s)). 1 - s is sigmoid(-g): as a difference it would lose
/// its digits where s is near 1.
__device__ inline float gated_slope(float x, float gate, float gate_slope) {
  return sigmoid(gate) * fmaf(x * gate_slope, sigmoid(-gate), 1.0f);
}

__device__ inline float activate(Act act, float x) {
  switch (act) {
    case Act::none: return x;
    case Act::gelu: return x * normal_cdf(x);
    case Act::gelu_tanh: return x * sigmoid(gelu_gate(x));
    case Act::quick_gelu: return x * sigmoid(1.702f * x);
  }
  return x;
}

__device__ inline float activation_slope(Act act, float x) {
  switch (act) {
    case Act::none: return 1.0f;
    case Act::gelu: return fmaf(0.3989422804f * x, expf(-0.5f * x * x), normal_cdf(x));
    case Act::gelu_tanh: return gated_slope(x, gelu_gate(x), gelu_gate_slope(x));
    case Act::quick_gelu: return gated_slope(x, 1.702f * x, 1.702f);
  }
  return 1.0f;
}

}  // namespace cw
