// What device code sees: CUDA's keywords, thread indices, barriers, shuffles and intrinsics, run by block.cpp.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "ops/cuda/emulation/runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)

namespace cw::emulation {

/// Where a thread stands; threadIdx and its relatives read it.
struct Thread {
  uint3 index;
  unsigned lane, warp;
};
extern constinit thread_local const Thread* current_thread;
extern constinit thread_local uint3 current_block;
extern constinit thread_local dim3 current_block_dim, current_grid_dim;

/// Ends the launch with an error that names the kernel; does not return to the thread that called it.
[[noreturn]] void fault(const char* what, std::source_location where = std::source_location::current());

void barrier(std::source_location where);
/// Meets the warp's lanes of `mask`: gives lane `source`'s value (bytes of it).
void exchange(uint32_t mask, unsigned source, void* value, size_t bytes, std::source_location where);
uint32_t ballot(uint32_t mask, bool vote, std::source_location where);

/// The block's array that stands at `site`; NaN at first.
void* shared(const void* site, size_t bytes);
void* shared_dynamic();

template <class T>
T shuffle(uint32_t mask, T value, unsigned source, std::source_location where) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  exchange(mask, source, &value, sizeof(T), where);
  return value;
}
inline unsigned lane() { return current_thread->lane; }

/// How many floats away from the nearest one hardware's approximations answer, for tests that try all it may.
inline constinit thread_local int exp2_off = 0, reciprocal_off = 0;
inline float approximate(double exact, int off) {
  float near = static_cast<float>(exact);
  if (near == 0 || !std::isfinite(near)) return near;
  for (; off > 0; --off) near = std::nextafter(near, HUGE_VALF);
  for (; off < 0; ++off) near = std::nextafter(near, -HUGE_VALF);
  return std::fabs(near) < 0x1p-126f ? std::copysign(0.0f, near) : near;
}

}  // namespace cw::emulation

#define threadIdx (::cw::emulation::current_thread->index)
#define blockIdx (::cw::emulation::current_block)
#define blockDim (::cw::emulation::current_block_dim)
#define gridDim (::cw::emulation::current_grid_dim)
inline constexpr int warpSize = 32;

inline void __syncthreads(std::source_location where = std::source_location::current()) { cw::emulation::barrier(where); }
inline void __syncwarp(unsigned mask = 0xffffffffu, std::source_location where = std::source_location::current()) {
  cw::emulation::ballot(mask, false, where);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// Shuffles within groups of `width` lanes; a source outside of the group is the lane itself, as in CUDA.
template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32, std::source_location where = std::source_location::current()) {
  const unsigned w = static_cast<unsigned>(width), first = cw::emulation::lane() & ~(w - 1);
  return cw::emulation::shuffle(mask, v, first | (static_cast<unsigned>(source) & (w - 1)), where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int with, int width = 32, std::source_location where = std::source_location::current()) {
  const unsigned w = static_cast<unsigned>(width), me = cw::emulation::lane(), to = me ^ static_cast<unsigned>(with);
  return cw::emulation::shuffle(mask, v, to >= (me & ~(w - 1)) + w ? me : to, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32, std::source_location where = std::source_location::current()) {
  const unsigned w = static_cast<unsigned>(width), me = cw::emulation::lane();
  return cw::emulation::shuffle(mask, v, (me & (w - 1)) + by >= w ? me : me + by, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32, std::source_location where = std::source_location::current()) {
  const unsigned w = static_cast<unsigned>(width), me = cw::emulation::lane();
  return cw::emulation::shuffle(mask, v, (me & (w - 1)) < by ? me : me - by, where);
}
inline unsigned __ballot_sync(unsigned mask, int vote, std::source_location where = std::source_location::current()) {
  return cw::emulation::ballot(mask, vote != 0, where);
}
inline int __any_sync(unsigned mask, int vote, std::source_location where = std::source_location::current()) {
  return cw::emulation::ballot(mask, vote != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int vote, std::source_location where = std::source_location::current()) {
  return cw::emulation::ballot(mask, vote != 0, where) == mask;
}

// Vector types, with CUDA's alignment.
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class T>
T __ldg(const T* p) {
  return *p;
}

// Intrinsics. The fast ones are only as fast as the exact ones here, and as exact.
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __int_as_float(int x) { float f; std::memcpy(&f, &x, 4); return f; }
inline float __uint_as_float(unsigned x) { float f; std::memcpy(&f, &x, 4); return f; }
inline int __float_as_int(float x) { int i; std::memcpy(&i, &x, 4); return i; }
inline unsigned __float_as_uint(float x) { unsigned i; std::memcpy(&i, &x, 4); return i; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }

// Overloads that CUDA gives device code.
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline long min(long a, long b) { return a < b ? a : b; }
inline long max(long a, long b) { return a > b ? a : b; }
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }

// Integers only: sums of floats in no fixed order would not repeat bit by bit.
inline int atomicAdd(int* p, int v) { const int old = *p; *p += v; return old; }
inline unsigned atomicAdd(unsigned* p, unsigned v) { const unsigned old = *p; *p += v; return old; }
inline int atomicMax(int* p, int v) { const int old = *p; if (v > old) *p = v; return old; }
inline int atomicMin(int* p, int v) { const int old = *p; if (v < old) *p = v; return old; }
