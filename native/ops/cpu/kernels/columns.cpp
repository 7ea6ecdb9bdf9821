// Sums over the rows of a matrix, alone or together with turning it, and panels of its columns. Chunks of kSumRows rows are summed on their own and
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
  with_storage(x.dtype, [&]<class T>(T) { sums_typed<T>(x, partials); });
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

/// A number as another type holds it, which has all its digits.
template <class Y, class X>
inline Y as(X x) {
  if constexpr (sizeof(X) == sizeof(Y)) return x;
  else return lane0(load(&x, 1));
}

/// kTile rows of kTile numbers at x → as many at y, turned.
template <class X, class Y>
inline void turn(const X* x, int64_t ldx, Y* y, int64_t ldy) {
  if constexpr (sizeof(Y) == 4) {
    for (int64_t r = 0; r < kTile; r += 16)
      for (int64_t c = 0; c < kTile; c += 16) turn16(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
    return;
  }
  for (int64_t c = 0; c < kTile; ++c)
    for (int64_t r = 0; r < kTile; ++r) y[c * ldy + r] = as<Y>(x[r * ldx + c]);
}

#ifdef __AVX512BW__
/// Through pairs of rows and a 16 × 16 turn of pairs.
inline void turn(const bf16* x, int64_t ldx, bf16* y, int64_t ldy) {
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
#endif

template <class X, class Y>
void transpose_typed(const Tensor& x, const Tensor& y, const Tensor& partials) {
  const int64_t chunks = sum_chunks(x.rows), stripes = (x.cols + kTile - 1) / kTile;
#pragma omp parallel for schedule(static)
  for (int64_t job = 0; job < stripes * chunks; ++job) {
    const int64_t chunk = job % chunks, c0 = job / chunks * kTile;
    const int64_t first = chunk * kSumRows, end = first + kSumRows < x.rows ? first + kSumRows : x.rows;
    const int64_t width = c0 + kTile < x.cols ? kTile : x.cols - c0;
    for (int64_t r = first; r < end; r += kTile) {
      const int64_t height = r + kTile < end ? kTile : end - r;
      if (height == kTile && width == kTile) {
        turn(x.row<X>(r) + c0, x.stride, y.row<Y>(c0) + r, y.stride);
        continue;
      }
      for (int64_t c = 0; c < width; ++c)
        for (int64_t i = 0; i < height; ++i) y.row<Y>(c0 + c)[r + i] = as<Y>(x.row<X>(r + i)[c0 + c]);
    }
    if (!partials) continue;
    float* out = partials.row<float>(chunk) + c0;  // the rows are in the cache now
    for_vectors(width, [&](int64_t i, int64_t n) {
      V s = set1(0);
      for (int64_t r = first; r < end; ++r) s += load_some(x.row<X>(r) + c0 + i, n);
      store_some(out + i, s, n);
    });
  }
}

void transpose(const Tensor& x, const Tensor& y, const Tensor& partials) {
  with_storage(x.dtype, [&]<class X>(X) {
    y.dtype == DType::f32 ? transpose_typed<X, float>(x, y, partials) : transpose_typed<X, X>(x, y, partials);
  });
}

template <class X>
void widen_panels_typed(const Tensor& x, const Tensor& panels) {
  const int64_t chunks = sum_chunks(x.rows), filled = panels.cols / kPanel;
#pragma omp parallel for schedule(static)
  for (int64_t job = 0; job < chunks * panels.rows; ++job) {
    const int64_t chunk = job / panels.rows, panel = job % panels.rows, c0 = panel * kPanel;
    const int64_t first = chunk * kSumRows, end = chunk + 1 < chunks ? first + kSumRows : filled;
    const int64_t width = c0 + kPanel < x.cols ? kPanel : x.cols - c0;
    for (int64_t r = first; r < end; ++r) {
      float* to = panels.row<float>(panel) + r * kPanel;
      if (width < kPanel || r >= x.rows)
        for (int64_t i = 0; i < kPanel; i += kWidth) store(to + i, set1(0));
      if (r >= x.rows) continue;
      const X* from = x.row<X>(r) + c0;
      for_vectors(width, [&](int64_t i, int64_t n) { store_some(to + i, load_some(from + i, n), n); });
    }
  }
}

void widen_panels(const Tensor& x, const Tensor& panels) {
  with_storage(x.dtype, [&]<class X>(X) { widen_panels_typed<X>(x, panels); });
}

}  // namespace

void add_columns(Kernels& k) {
  k.column_sums = column_sums;
  k.add_partials = add_partials;
  k.transpose = transpose;
  k.widen_panels = widen_panels;
}

}  // namespace cw::CW_ISA
