// Small products for attention: C[m,n] (+)= Σ_k A[m,k]·B[k,n] with everything in the caches. A is read as 32-bit units,
// one float or a pair of bf16; B has one row for each unit, its columns a whole number of vectors.
#pragma once
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/transpose16.h"

namespace cw::CW_ISA {
namespace {

/// How numbers lie in a 32-bit unit, and what one multiply-add of units does.
struct FloatUnit {
  static constexpr int kPer = 1;
  using Value = float;
  static inline V multiply_add(V c, uint32_t a, const uint32_t* b) {
    return fma(set1(__builtin_bit_cast(float, a)), load(reinterpret_cast<const float*>(b)), c);
  }
#ifdef __AVX512F__
  template <class T>
  static inline __m512i load16(const T* x) {
    return _mm512_castps_si512(load(x));
  }
#endif
};

#ifdef __AVX512BF16__
struct PairUnit {
  static constexpr int kPer = 2;
  using Value = bf16;
  static inline V multiply_add(V c, uint32_t a, const uint32_t* b) {
    return _mm512_dpbf16_ps(c, (__m512bh)_mm512_set1_epi32(static_cast<int>(a)), (__m512bh)_mm512_loadu_si512(b));
  }
  static inline __m512i load16(const bf16* x) { return _mm512_loadu_si512(x); }
};
template <class T>
struct UnitOf {
  using Type = FloatUnit;
};
template <>
struct UnitOf<bf16> {
  using Type = PairUnit;
};
#else
template <class T>
struct UnitOf {
  using Type = FloatUnit;  // 16-bit numbers are widened when they are packed
};
#endif

/// A where row m, unit k is at data[m·row + k·unit].
struct Left {
  const uint32_t* data;
  int64_t row, unit;
};

template <class Unit, int kRows, int kVectors>
inline __attribute__((always_inline)) void tile(int64_t k, const Left& a, const uint32_t* b, int64_t ldb, float* c,
                                                int64_t ldc, bool accumulate) {
  V sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sums[i][j] = accumulate ? load(c + i * ldc + j * kWidth) : set1(0);
  for (int64_t u = 0; u < k; ++u) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const uint32_t x = a.data[i * a.row + u * a.unit];
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sums[i][j] = Unit::multiply_add(sums[i][j], x, b + u * ldb + j * kWidth);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) store(c + i * ldc + j * kWidth, sums[i][j]);
}

template <class Unit, int kVectors>
void stripe(int64_t m, int64_t k, const Left& a, const uint32_t* b, int64_t ldb, float* c, int64_t ldc, bool accumulate) {
  int64_t i = 0;
  const auto at = [&](int64_t r) { return Left{a.data + r * a.row, a.row, a.unit}; };
  for (; i + 6 <= m; i += 6) tile<Unit, 6, kVectors>(k, at(i), b, ldb, c + i * ldc, ldc, accumulate);
  for (; i + 2 <= m; i += 2) tile<Unit, 2, kVectors>(k, at(i), b, ldb, c + i * ldc, ldc, accumulate);
  if (i < m) tile<Unit, 1, kVectors>(k, at(i), b, ldb, c + i * ldc, ldc, accumulate);
}

/// C[m,n] (+)= A[m,k]·B[k,n], n a multiple of kWidth.
template <class Unit>
void multiply(int64_t m, int64_t n, int64_t k, const Left& a, const uint32_t* b, int64_t ldb, float* c, int64_t ldc,
              bool accumulate = false) {
  constexpr int kMost = kWidth == 16 ? 4 : 2;  // accumulators of 6 rows must fit the registers
  int64_t j = 0;
  for (; j + kMost * kWidth <= n; j += kMost * kWidth) stripe<Unit, kMost>(m, k, a, b + j, ldb, c + j, ldc, accumulate);
  for (; j < n; j += kWidth) stripe<Unit, 1>(m, k, a, b + j, ldb, c + j, ldc, accumulate);
}

// ---- packing -------------------------------------------------------------------------------------------------------

inline uint32_t pair(bf16 low, bf16 high) { return uint32_t{low.bits} | uint32_t{high.bits} << 16; }

inline int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

inline uint32_t float_bits(float x) { return __builtin_bit_cast(uint32_t, x); }
inline uint32_t float_bits(bf16 x) { return uint32_t{x.bits} << 16; }
inline uint32_t float_bits(f16 x) { return __builtin_bit_cast(uint32_t, _cvtsh_ss(x.bits)); }

/// Unit u of a row of `width` values; past the end it is zero.
template <class Unit, class T>
inline uint32_t unit_at(const T* x, int64_t u, int64_t width) {
  if constexpr (Unit::kPer == 2) {
    return pair(x[2 * u], 2 * u + 1 < width ? x[2 * u + 1] : bf16{0});
  } else {
    return float_bits(x[u]);
  }
}

/// Rows x[r] of `width` values → out[unit][r] for r < padded rows; missing rows are zero.
template <class Unit, class T>
void pack_turned(const T* x, int64_t stride, int64_t rows, int64_t padded, int64_t width, uint32_t* out) {
  const int64_t units = (width + Unit::kPer - 1) / Unit::kPer;
  int64_t u = 0;
#ifdef __AVX512F__
  for (; (u + 16) * Unit::kPer <= width; u += 16)
    for (int64_t r = 0; r < padded; r += 16) {
      __m512i block[16];
      for (int64_t i = 0; i < 16; ++i)
        block[i] = r + i < rows ? Unit::load16(x + (r + i) * stride + u * Unit::kPer) : _mm512_setzero_si512();
      transpose16(block);
      for (int64_t i = 0; i < 16; ++i) _mm512_storeu_si512(out + (u + i) * padded + r, block[i]);
    }
#endif
  for (; u < units; ++u)
    for (int64_t r = 0; r < padded; ++r) out[u * padded + r] = r < rows ? unit_at<Unit>(x + r * stride, u, width) : 0;
}

/// Rows x[r] of `width` values → out[r][unit], contiguous with `units` a row.
template <class Unit, class T>
void pack_rows(const T* x, int64_t stride, int64_t rows, int64_t width, int64_t units, uint32_t* out) {
  if (sizeof(T) * Unit::kPer == 4 && width % Unit::kPer == 0) {
    for (int64_t r = 0; r < rows; ++r)
      __builtin_memcpy(out + r * units, x + r * stride, static_cast<size_t>(units) * sizeof(uint32_t));
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    const T* from = x + r * stride;
    if constexpr (Unit::kPer == 1) {
      float* to = reinterpret_cast<float*>(out + r * units);
      for_vectors(width, [&](int64_t c, int64_t n) { store_some(to + c, load_some(from + c, n), n); });
    } else {
      for (int64_t u = 0; u < units; ++u) out[r * units + u] = unit_at<Unit>(from, u, width);
    }
  }
}

/// Rows as the right side of a product over rows: float: out[r][c]; pairs: out[r/2][c] holds rows r and r+1 of column c.
/// Columns past `width` are zero up to `padded`.
template <class Unit, class T>
void pack_stacked(const T* x, int64_t stride, int64_t rows, int64_t width, int64_t padded, uint32_t* out) {
  for (int64_t r = 0; r < rows; r += Unit::kPer) {
    uint32_t* to = out + r / Unit::kPer * padded;
    const T* a = x + r * stride;
    int64_t c = 0;
    if constexpr (Unit::kPer == 2) {
#ifdef __AVX512BF16__
      const T* b = r + 1 < rows ? a + stride : nullptr;
      for (; c + 16 <= width; c += 16) {
        const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + c)));
        const __m512i high = b ? _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + c)))
                               : _mm512_setzero_si512();
        _mm512_storeu_si512(to + c, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
      }
      for (; c < width; ++c) to[c] = pair(a[c], b ? b[c] : bf16{0});
#endif
    } else {
      for (; c + kWidth <= width; c += kWidth) store(reinterpret_cast<float*>(to) + c, load(a + c));
      for (; c < width; ++c) to[c] = unit_at<Unit>(a, c, width);
    }
    for (; c < padded; ++c) to[c] = 0;
  }
}

}  // namespace
}  // namespace cw::CW_ISA
