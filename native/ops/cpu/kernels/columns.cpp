// Sums over the rows of a matrix, alone or together with turning it. Chunks of kSumRows rows are summed on their own and
// added in their order: the result does not depend on the number of threads.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/kernels/transpose16.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kTile = 32;  // rows and columns turned at a time

template <class T>
void sums_typed(const Tensor& x, const Tensor& partials) {
  const int64_t chunks = sum_chunks(x.rows);
  constexpr int64_t kStripe = 8 * kWidth;
  const int64_t stripes = (x.cols + kStripe - 1) / kStripe;
#pragma omp parallel for schedule(static)
  for (int64_t job = 0; job < chunks * stripes; ++job) {
    const int64_t chunk = job / stripes, c0 = job % stripes * kStripe;
    const int64_t first = chunk * kSumRows, end = first + kSumRows < x.rows ? first + kSumRows : x.rows;
    const int64_t width = c0 + kStripe < x.cols ? kStripe : x.cols - c0;
    float* out = partials.row<float>(chunk) + c0;
    if (width == kStripe) {
      V sums[8];
      for (V& s : sums) s = set1(0);
      for (int64_t r = first; r < end; ++r) {
        const T* row = x.row<T>(r) + c0;
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) sums[i] += load(row + i * kWidth);
      }
      for (int i = 0; i < 8; ++i) store(out + i * kWidth, sums[i]);
      continue;
    }
    for_vectors(width, [&](int64_t i, int64_t n) {
      V s = set1(0);
      for (int64_t r = first; r < end; ++r) s += load_some(x.row<T>(r) + c0 + i, n);
      store_some(out + i, s, n);
    });
  }
}

void column_sums(const Tensor& x, const Tensor& partials) {
  x.dtype == DType::f32 ? sums_typed<float>(x, partials) : sums_typed<bf16>(x, partials);
}

void add_partials(const Tensor& partials, float* out, bool accumulate) {
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < partials.cols; c += 256) {
    const int64_t width = c + 256 < partials.cols ? 256 : partials.cols - c;
    for_vectors(width, [&](int64_t i, int64_t n) {
      V s = accumulate ? load_some(out + c + i, n) : set1(0);
      for (int64_t r = 0; r < partials.rows; ++r) s += load_some(partials.row<float>(r) + c + i, n);
      store_some(out + c + i, s, n);
    });
  }
}

#ifdef __AVX512BW__
/// 32 rows of 32 bf16 at x → 32 rows at y, through pairs of rows and a 16 × 16 turn of pairs.
inline void turn32(const bf16* x, int64_t ldx, bf16* y, int64_t ldy) {
  alignas(64) static const uint16_t kLow[32] = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                                8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  __m512i a[16], b[16];
  for (int p = 0; p < 16; ++p) {
    const __m512i even = _mm512_loadu_si512(x + 2 * p * ldx), odd = _mm512_loadu_si512(x + (2 * p + 1) * ldx);
    a[p] = _mm512_permutex2var_epi16(even, low, odd);
    b[p] = _mm512_permutex2var_epi16(even, high, odd);
  }
  transpose16(a);
  transpose16(b);
  for (int p = 0; p < 16; ++p) {
    _mm512_storeu_si512(y + p * ldy, a[p]);
    _mm512_storeu_si512(y + (16 + p) * ldy, b[p]);
  }
}
#else
inline void turn32(const bf16* x, int64_t ldx, bf16* y, int64_t ldy) {
  for (int64_t c = 0; c < kTile; ++c)
    for (int64_t r = 0; r < kTile; ++r) y[c * ldy + r] = x[r * ldx + c];
}
#endif

void transpose(const Tensor& x, const Tensor& y, const Tensor& partials) {
  const int64_t chunks = sum_chunks(x.rows), stripes = (x.cols + kTile - 1) / kTile;
#pragma omp parallel for schedule(static)
  for (int64_t job = 0; job < stripes * chunks; ++job) {
    const int64_t chunk = job % chunks, c0 = job / chunks * kTile;
    const int64_t first = chunk * kSumRows, end = first + kSumRows < x.rows ? first + kSumRows : x.rows;
    const int64_t width = c0 + kTile < x.cols ? kTile : x.cols - c0;
    for (int64_t r = first; r < end; r += kTile) {
      const int64_t height = r + kTile < end ? kTile : end - r;
      if (height == kTile && width == kTile) {
        turn32(x.row<bf16>(r) + c0, x.stride, y.row<bf16>(c0) + r, y.stride);
        continue;
      }
      for (int64_t c = 0; c < width; ++c)
        for (int64_t i = 0; i < height; ++i) y.row<bf16>(c0 + c)[r + i] = x.row<bf16>(r + i)[c0 + c];
    }
    if (!partials) continue;
    float* out = partials.row<float>(chunk) + c0;  // the rows are in the cache now
    for_vectors(width, [&](int64_t i, int64_t n) {
      V s = set1(0);
      for (int64_t r = first; r < end; ++r) s += load_some(x.row<bf16>(r) + c0 + i, n);
      store_some(out + i, s, n);
    });
  }
}

}  // namespace

void add_columns(Kernels& k) {
  k.column_sums = column_sums;
  k.add_partials = add_partials;
  k.transpose = transpose;
}

}  // namespace cw::CW_ISA
