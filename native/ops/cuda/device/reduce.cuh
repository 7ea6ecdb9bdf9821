// Sums and maxima over a warp or a block, in an order that depends on the number of threads alone: the same bits every time.
#pragma once
#include "ops/cuda/launch.h"

namespace cw {

inline constexpr unsigned kWholeWarp = 0xffffffffu;
inline constexpr int kWarp = 32;

struct Sum {
  static constexpr float identity = 0.0f;
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  static constexpr float identity = -INFINITY;
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/// Over all 32 lanes; every lane gets it. T: float, or double for sums.
template <class Combine = Sum, class T>
__device__ inline T reduce_warp(T x, Combine combine = {}) {
#pragma unroll
  for (int with = kWarp / 2; with > 0; with /= 2) x = combine(x, __shfl_xor_sync(kWholeWarp, x, with));
  return x;
}

/// Over a block of whole warps (at most 32 of them); every thread gets it. All threads must call it.
template <class Combine = Sum, class T>
__device__ inline T reduce_block(T x, Combine combine = {}) {
  CW_SHARED(T, partial, [kWarp]);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  x = reduce_warp(x, combine);
  __syncthreads();  // an earlier call may still be reading
  if (lane == 0) partial[warp] = x;
  __syncthreads();
  return reduce_warp(lane < warps ? partial[lane] : T{Combine::identity}, combine);
}

}  // namespace cw
