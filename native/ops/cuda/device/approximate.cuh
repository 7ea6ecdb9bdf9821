// Functions that hardware has one instruction for. Subnormal arguments and results count as zero.
#pragma once
#include "ops/cuda/launch.h"

namespace cw {

/// 2^x, within 2^-22 of itself.
__device__ inline float exp2_approximate(float x) {
#ifdef CW_CUDA_EMULATED
  return emulation::approximate(std::exp2(static_cast<double>(x)), emulation::exp2_off);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/// 1/x, within one last bit.
__device__ inline float reciprocal_approximate(float x) {
#ifdef CW_CUDA_EMULATED
  return emulation::approximate(1 / static_cast<double>(x), emulation::reciprocal_off);
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/// x between two bounds, one instruction each. NaN stays NaN, as it would not by fminf and fmaxf.
__device__ inline float clamp(float x, float low, float high) {
#ifdef CW_CUDA_EMULATED
  return x < low ? low : x > high ? high : x;
#else
  asm("max.NaN.f32 %0, %0, %1;\n\tmin.NaN.f32 %0, %0, %2;" : "+f"(x) : "f"(low), "f"(high));
  return x;
#endif
}

}  // namespace cw
