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
  alignas(32) float row[16];
  for (int i = 0; i < 16; ++i) {
    store(row, load(x + i * ldx));
    store(row + 8, load(x + i * ldx + 8));
    for (int j = 0; j < 16; ++j) y[j * ldy + i] = row[j];
  }
#endif
}

}  // namespace
}  // namespace cw::CW_ISA
