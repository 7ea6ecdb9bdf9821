// Products of 8-bit numbers: rows are rounded before, sums become what they stand for after.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

#ifdef __AVX512F__
using Ints = __m512i;
inline Ints magnitude_bits(V v) { return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff)); }
inline Ints larger(Ints a, Ints b) { return _mm512_max_epi32(a, b); }
inline Ints none() { return _mm512_setzero_si512(); }
inline int32_t largest_of(Ints a) { return _mm512_reduce_max_epi32(a); }
inline Ints nearest(V v) { return _mm512_cvtps_epi32(v); }
inline V floats(Ints a) { return _mm512_cvtepi32_ps(a); }
inline Ints minus(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
inline Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
inline Ints load_ints(const int32_t* p, int64_t n) { return n == kWidth ? load_ints(p) : _mm512_maskz_loadu_epi32(first(n), p); }
inline void store_bytes(uint8_t* p, Ints a, int64_t n) { _mm512_mask_cvtepi32_storeu_epi8(p, first(n), a); }
inline Ints plus_zero(Ints a) { return _mm512_add_epi32(a, _mm512_set1_epi32(kRoundedZero)); }
#else
using Ints = __m256i;
inline Ints magnitude_bits(V v) { return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff)); }
inline Ints larger(Ints a, Ints b) { return _mm256_max_epi32(a, b); }
inline Ints none() { return _mm256_setzero_si256(); }
inline int32_t largest_of(Ints a) {
  alignas(32) int32_t all[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), a);
  int32_t most = all[0];
  for (const int32_t x : all) most = x > most ? x : most;
  return most;
}
inline Ints nearest(V v) { return _mm256_cvtps_epi32(v); }
inline V floats(Ints a) { return _mm256_cvtepi32_ps(a); }
inline Ints minus(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
inline Ints load_ints(const int32_t* p, int64_t n) { return _mm256_maskload_epi32(p, first(n)); }
inline void store_bytes(uint8_t* p, Ints a, int64_t n) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  const auto bytes = _mm_cvtsi128_si64(_mm_packus_epi16(words, words));
  __builtin_memcpy(p, &bytes, static_cast<size_t>(n));
}
inline Ints plus_zero(Ints a) { return _mm256_add_epi32(a, _mm256_set1_epi32(kRoundedZero)); }
#endif

/// The largest magnitude; what is infinite or NaN has the largest bits and stays.
float largest_magnitude(const float* x, int64_t count) {
  Ints most = none();
  for_vectors(count, [&](int64_t i, int64_t n) { most = larger(most, magnitude_bits(load_some(x + i, n))); });
  return __builtin_bit_cast(float, largest_of(most));
}

void round_rows(const Tensor& x, const Tensor& q, const Tensor& steps) {
  float* const step = steps.as<float>();
#pragma omp parallel for schedule(static)
  for (int64_t t = 0; t < x.rows; ++t) {
    const float* from = x.row<float>(t);
    uint8_t* to = q.row<uint8_t>(t);
    const float most = largest_magnitude(from, x.cols);
    const bool finite = most < __builtin_inff();
    step[t] = finite ? most / 127 : __builtin_nanf("");
    // A row whose largest magnitude is next to nothing has no factor.
    const float by = 127 / most;
    const V factor = set1(finite && by < __builtin_inff() ? by : 0);
    for_vectors(x.cols, [&](int64_t i, int64_t n) {
      store_bytes(to + i, plus_zero(nearest(finite ? load_some(from + i, n) * factor : set1(0))), n);
    });
  }
}

void rescale(const Rescale& op) {
  const float *scales = op.scales.as<float>(), *b = op.b.as<float>(), *step = op.steps.as<float>();
  const int32_t* shift = op.shift.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t t = 0; t < op.y.rows; ++t) {
    const int32_t* sums = op.sums.row<int32_t>(t);
    const float* residual = op.residual ? op.residual.row<float>(t) : nullptr;
    float* y = op.y.row<float>(t);
    const V row = set1(step[t]);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) {
      V v = floats(minus(load_ints(sums + i, n), load_ints(shift + i, n))) * (row * load_some(scales + i, n));
      if (b) v += load_some(b + i, n);
      if (residual) v += load_some(residual + i, n);
      store_some(y + i, v, n);
    });
  }
}

void zero_shift(const Tensor& w, const Tensor& shift) {
#pragma omp parallel for schedule(static)
  for (int64_t o = 0; o < w.rows; ++o) {
    const int8_t* row = w.row<int8_t>(o);
    int32_t sum = 0;
    for (int64_t i = 0; i < w.cols; ++i) sum += row[i];
    shift.as<int32_t>()[o] = kRoundedZero * sum;
  }
}

}  // namespace

void add_rounded(Kernels& k) {
  k.round_rows = round_rows;
  k.rescale = rescale;
  k.zero_shift = zero_shift;
}

}  // namespace cw::CW_ISA
