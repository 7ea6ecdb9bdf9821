// Elements of f32, bf16 and f16 matrices: read as floats, rounded to nearest even when written; and runs of them in
// 16-byte accesses where rows allow it.
#pragma once
#include "core/dtype.h"
#include "ops/cuda/launch.h"

#ifndef CW_CUDA_EMULATED
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace cw {

__device__ inline float as_float(float x) { return x; }
__device__ inline float as_float(bf16 x) { return __uint_as_float(uint32_t{x.bits} << 16); }
#ifdef CW_CUDA_EMULATED
inline float as_float(f16 x) { return to_float(x); }
#else
__device__ inline float as_float(f16 x) { return __half2float(__ushort_as_half(x.bits)); }
#endif

template <class T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
#ifdef CW_CUDA_EMULATED
template <>
inline bf16 from_float<bf16>(float x) {
  return to_bf16(x);
}
template <>
inline f16 from_float<f16>(float x) {
  return to_f16(x);
}
#else
template <>
__device__ inline bf16 from_float<bf16>(float x) {
  return {__bfloat16_as_ushort(__float2bfloat16_rn(x))};
}
template <>
__device__ inline f16 from_float<f16>(float x) {
  return {__half_as_ushort(__float2half_rn(x))};
}
#endif

/// What is left of x once it is stored as T.
template <class T>
__device__ float as_stored(float x) {
  return as_float(from_float<T>(x));
}

/// 16 bytes at once. The emulation reports an address that hardware would refuse.
template <class T>
struct alignas(16) Pack {
  static constexpr int size = 16 / sizeof(T);
  T v[size];
};
template <class T>
__device__ inline void check_alignment(const T* p) {
#ifdef CW_CUDA_EMULATED
  if (reinterpret_cast<uintptr_t>(p) % 16 != 0) emulation::fault("accesses 16 bytes at an address that is no multiple of 16");
#else
  (void)p;
#endif
}
template <class T>
__device__ inline Pack<T> load_pack(const T* p) {
  check_alignment(p);
  return *reinterpret_cast<const Pack<T>*>(p);
}
template <class T>
__device__ inline void store_pack(T* p, const Pack<T>& pack) {
  check_alignment(p);
  *reinterpret_cast<Pack<T>*>(p) = pack;
}

/// Elements of one row that a thread takes at a time: 16 bytes of a 16-bit type.
inline constexpr int kRun = 8;

/// v[0 .. count) of a run; zeros after it. aligned: rows_aligned() of the tensor, of which p is at a multiple of kRun columns.
template <class T>
__device__ inline void load_run(const T* p, int64_t count, bool aligned, float (&v)[kRun]) {
  if (aligned && count >= kRun) {
    constexpr int n = Pack<T>::size;
#pragma unroll
    for (int k = 0; k < kRun; k += n) {
      const Pack<T> pack = load_pack(p + k);
#pragma unroll
      for (int j = 0; j < n; ++j) v[k + j] = as_float(pack.v[j]);
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < kRun; ++k) v[k] = k < count ? as_float(p[k]) : 0.0f;
}

/// Writes the first min(count, kRun) of v.
template <class T>
__device__ inline void store_run(T* p, int64_t count, bool aligned, const float (&v)[kRun]) {
  if (aligned && count >= kRun) {
    constexpr int n = Pack<T>::size;
#pragma unroll
    for (int k = 0; k < kRun; k += n) {
      Pack<T> pack;
#pragma unroll
      for (int j = 0; j < n; ++j) pack.v[j] = from_float<T>(v[k + j]);
      store_pack(p + k, pack);
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < kRun; ++k)
    if (k < count) p[k] = from_float<T>(v[k]);
}

/// A matrix cut into runs of kRun columns: `for (int64_t i = first_thread(); i < grid.runs(); i += all_threads())`.
struct Runs {
  int64_t rows, cols;

  __host__ __device__ int64_t across() const { return (cols + kRun - 1) / kRun; }
  __host__ __device__ int64_t count() const { return rows * across(); }
  __device__ int64_t row(int64_t i) const { return i / across(); }
  __device__ int64_t col(int64_t i) const { return i % across() * kRun; }
};

__device__ inline int64_t first_thread() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t all_threads() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

}  // namespace cw
