// A block of 16 × 16 dwords in registers, turned.
#pragma once
#include <immintrin.h>

#include "ops/cpu/kernels/simd.h"

namespace cw::CW_ISA {
namespace {

#ifdef __AVX512F__
/// 16 rows of 16 dwords, turned.
inline void transpose16(__m512i* r) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}
#else
/// 8 rows of 8 floats, turned.
inline void transpose8(V* r) {
  V t[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  for (int i = 0; i < 8; ++i) r[i] = t[i];
}
#endif

/// y[j,i] = x[i,j] of 16 by 16, in f32.
template <class T>
inline void turn16(const T* x, int64_t ldx, float* y, int64_t ldy) {
#ifdef __AVX512F__
  __m512i block[16];
  for (int i = 0; i < 16; ++i) block[i] = _mm512_castps_si512(load(x + i * ldx));
  transpose16(block);
  for (int j = 0; j < 16; ++j) _mm512_storeu_si512(y + j * ldy, block[j]);
#else
  for (int64_t c = 0; c < 16; c += 8)
    for (int64_t r = 0; r < 16; r += 8) {
      V block[8];
#pragma GCC unroll 8
      for (int64_t i = 0; i < 8; ++i) block[i] = load(x + (r + i) * ldx + c);
      transpose8(block);
#pragma GCC unroll 8
      for (int64_t j = 0; j < 8; ++j) store(y + (c + j) * ldy + r, block[j]);
    }
#endif
}

}  // namespace
}  // namespace cw::CW_ISA
