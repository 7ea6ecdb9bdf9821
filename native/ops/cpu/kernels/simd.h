// One vector of floats, as wide as the instruction set this file is compiled for. Loads widen bf16 and f16, stores round
// to them.
// Everything is in an anonymous namespace: no symbol of one instruction set may stand in for another's.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "core/dtype.h"

namespace cw::CW_ISA {
namespace {

#ifdef __AVX512F__

using V = __m512;
constexpr int kWidth = 16;

inline V set1(float x) { return _mm512_set1_ps(x); }
inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
inline V max(V a, V b) { return _mm512_max_ps(a, b); }
inline V min(V a, V b) { return _mm512_min_ps(a, b); }
inline V sqrt(V a) { return _mm512_sqrt_ps(a); }
inline float sum(V a) { return _mm512_reduce_add_ps(a); }
inline float largest(V a) { return _mm512_reduce_max_ps(a); }
inline float smallest(V a) { return _mm512_reduce_min_ps(a); }
inline float lane0(V a) { return _mm512_cvtss_f32(a); }

inline V load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, V v) { _mm512_storeu_ps(p, v); }
inline __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
inline V load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
inline void store(float* p, V v, int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
/// v in the first n lanes, zero in the others.
inline V keep(V v, int64_t n) { return _mm512_maskz_mov_ps(first(n), v); }
inline V keep(V v, int64_t n, float others) { return _mm512_mask_mov_ps(set1(others), first(n), v); }

inline V widen(__m256i bits) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)); }
inline __m256i narrow(V v) {
#ifdef __AVX512BF16__
  return (__m256i)_mm512_cvtneps_pbh(v);
#else
  const __m512i u = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
  const __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, nan, quiet));
#endif
}
inline V load(const bf16* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline void store(bf16* p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(v)); }
inline V load(const bf16* p, int64_t n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
inline void store(bf16* p, V v, int64_t n) { _mm256_mask_storeu_epi16(p, first(n), narrow(v)); }

inline V load(const f16* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline __m256i to_half(V v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline void store(f16* p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_half(v)); }
inline V load(const f16* p, int64_t n) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p)); }
inline void store(f16* p, V v, int64_t n) { _mm256_mask_storeu_epi16(p, first(n), to_half(v)); }

inline V load(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

inline V scale_by_power(V x, V n) { return _mm512_scalef_ps(x, n); }
inline V round_whole(V x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

#else

using V = __m256;
constexpr int kWidth = 8;

inline V set1(float x) { return _mm256_set1_ps(x); }
inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
inline V max(V a, V b) { return _mm256_max_ps(a, b); }
inline V min(V a, V b) { return _mm256_min_ps(a, b); }
inline V sqrt(V a) { return _mm256_sqrt_ps(a); }
inline float sum(V a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float largest(V a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

inline float smallest(V a) { return -largest(_mm256_sub_ps(_mm256_setzero_ps(), a)); }
inline float lane0(V a) { return _mm256_cvtss_f32(a); }

inline V load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, V v) { _mm256_storeu_ps(p, v); }
inline __m256i first(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline V load(const float* p, int64_t n) { return _mm256_maskload_ps(p, first(n)); }
inline void store(float* p, V v, int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
inline V keep(V v, int64_t n) { return _mm256_and_ps(v, _mm256_castsi256_ps(first(n))); }
inline V keep(V v, int64_t n, float others) { return _mm256_blendv_ps(set1(others), v, _mm256_castsi256_ps(first(n))); }

inline V widen(__m128i bits) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)); }
inline __m128i narrow(V v) {
  const __m256i u = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i words = _mm256_blendv_epi8(rounded, quiet, nan);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0x08);
  return _mm256_castsi256_si128(packed);
}
inline V load(const bf16* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline void store(bf16* p, V v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(v)); }

inline V load(const f16* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline void store(f16* p, V v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

template <class Half>
inline V load(const Half* p, int64_t n) {
  alignas(16) Half all[8] = {};
  for (int64_t i = 0; i < n; ++i) all[i] = p[i];
  return load(all);
}
template <class Half>
inline void store(Half* p, V v, int64_t n) {
  alignas(16) Half all[8];
  store(all, v);
  for (int64_t i = 0; i < n; ++i) p[i] = all[i];
}

inline V load(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

inline V scale_by_power(V x, V n) {  // n whole, -126 .. 127
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(
                              _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23)));
}
inline V round_whole(V x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

#endif

/// A lane of a where the comparison m holds, of b elsewhere.
template <class M>
inline V select(M m, V a, V b) {
  return m ? a : b;
}

/// exp, 2 ulp; 0 below -87.3, exp(88) above 88; NaN stays NaN.
/// Cephes' expf: x = n·ln2 + r, a polynomial of degree 6 in r.
inline V exp(V x) {
  const V clamped = min(set1(88.0f), max(set1(-87.33654f), x));  // in this order NaN passes
  const V n = round_whole(clamped * set1(1.44269504f));
  V r = fma(n, set1(-0.693359375f), clamped);
  r = fma(n, set1(2.12194440e-4f), r);
  V p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  return select(x < set1(-87.33654f), set1(0), scale_by_power(fma(p, r * r, r + set1(1.0f)), n));
}
inline float exp_scalar(float x) { return lane0(exp(set1(x))); }

/// Lanes of the next vector when `left` numbers are left.
inline int64_t lanes_left(int64_t left) { return left < kWidth ? left : kWidth; }

/// Calls body(i, n) for every vector of 0 .. count: n lanes, fewer in the last.
template <class Body>
inline __attribute__((always_inline)) void for_vectors(int64_t count, Body&& body) {
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth) body(i, static_cast<int64_t>(kWidth));  // inlined with n known
  if (i < count) body(i, count - i);
}
template <class T>
inline V load_some(const T* p, int64_t n) {
  return n == kWidth ? load(p) : load(p, n);
}
template <class T>
inline void store_some(T* p, V v, int64_t n) {
  n == kWidth ? store(p, v) : store(p, v, n);
}

/// Calls body with a value of the type that numbers are stored in: with_storage(t, [&]<class T>(T) { run<T>(op); }).
template <class Body>
inline __attribute__((always_inline)) auto with_storage(DType type, Body&& body) {
  switch (type) {
    case DType::bf16: return body(bf16{});
    case DType::f16: return body(f16{});
    default: return body(float{});
  }
}

}  // namespace
}  // namespace cw::CW_ISA
