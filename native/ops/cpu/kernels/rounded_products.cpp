// Products of rounded rows, u8, with weights of i8 where the processor adds such products by no single instruction (VNNI): pairs of
// them in 16 bits, which weights of 7 bits cannot overflow (2 · 255 · 63 < 2^15), and those in 32.
#include <omp.h>

#include "ops/cpu/kernels/activation_values.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/kernels/wide_tile.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kBlockRows = 128;  // with a part of a panel and its sums they stay in the second cache
constexpr int64_t kDeep = 192;       // words of a panel at a time: kTileColumns of them stay in the first cache

#ifdef __AVX512F__
using Words = __m512i;
inline Words no_words() { return _mm512_setzero_si512(); }
inline Words every(int32_t x) { return _mm512_set1_epi32(x); }
inline Words load_words(const int32_t* p) { return _mm512_loadu_si512(p); }
inline void store_words(int32_t* p, Words a) { _mm512_storeu_si512(p, a); }
inline Words add_products(Words sums, Words x, Words w) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)));
}
inline V difference(const int32_t* a, const int32_t* b, int64_t n) {
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(load_words(a), _mm512_maskz_loadu_epi32(first(n), b)));
}
#else
using Words = __m256i;
inline Words no_words() { return _mm256_setzero_si256(); }
inline Words every(int32_t x) { return _mm256_set1_epi32(x); }
inline Words load_words(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline void store_words(int32_t* p, Words a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
inline Words add_products(Words sums, Words x, Words w) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
}
inline V difference(const int32_t* a, const int32_t* b, int64_t n) {
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(load_words(a), _mm256_maskload_epi32(b, first(n))));
}
#endif

/// R rows of u8 by kTileColumns columns of a panel: sums[R rows of kPanel] = x·panel over `words` of both, or += that.
template <int R>
void tile(const uint8_t* x, int64_t stride, int64_t words, const int32_t* panel, const Ask& ask, int32_t* sums, bool begins) {
  Words s[R][kTileVectors];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) s[r][v] = begins ? no_words() : load_words(sums + r * kPanel + v * kWidth);
  const auto add = [&](int64_t k) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int32_t four;
      __builtin_memcpy(&four, x + r * stride + k * 4, sizeof four);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v)
        s[r][v] = add_products(s[r][v], every(four), load_words(panel + k * kPanel + v * kWidth));
    }
  };
  if (ask.none()) {
#pragma GCC unroll 4
    for (int64_t k = 0; k < words; ++k) add(k);
  } else {
    for (int64_t k = 0; k < words; ++k) {
      ask(k);
      add(k);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) store_words(sums + r * kPanel + v * kWidth, s[r][v]);
}

void some_rows(int64_t rows, const uint8_t* x, int64_t stride, int64_t words, const int32_t* panel, const Ask& ask, int32_t* sums,
               bool begins) {
  switch (rows) {
    case 1: return tile<1>(x, stride, words, panel, ask, sums, begins);
    case 2: return tile<2>(x, stride, words, panel, ask, sums, begins);
    case 3: return tile<3>(x, stride, words, panel, ask, sums, begins);
    case 4: return tile<4>(x, stride, words, panel, ask, sums, begins);
    case 5: return tile<5>(x, stride, words, panel, ask, sums, begins);
    default: return tile<6>(x, stride, words, panel, ask, sums, begins);
  }
}

/// sums[rows of kPanel] of a panel. While the first rows meet a part of it, the next part is asked for.
void multiply_words(const uint8_t* x, int64_t stride, int64_t rows, int64_t words, const int32_t* panel, int32_t* sums) {
  const int64_t tiles = tiles_of(rows);
  for (int64_t k = 0; k < words; k += kDeep) {
    const int64_t some = words - k < kDeep ? words - k : kDeep;
    for (int64_t c = 0; c < kPanel; c += kTileColumns) {
      const int32_t* const part = panel + k * kPanel + c;
      const int32_t* const next = c + kTileColumns < kPanel ? part + kTileColumns : panel + (k + some) * kPanel;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t at = tile_row(t, rows);
        const Ask ask{reinterpret_cast<const char*>(t == 0 ? next : part), t == 0 ? kPanel * 4 : 0};
        some_rows(tile_row(t + 1, rows) - at, x + at * stride + k * 4, stride, some, part, ask, sums + at * kPanel + c, k == 0);
      }
    }
  }
}

/// Rows row .. row+rows of the columns column .. column+count, as Linear says.
template <Act act>
void finish(const Linear& op, const RoundedPanels& w, int64_t row, int64_t rows, int64_t column, int64_t count, const int32_t* sums) {
  const float *const scales = w.scales.as<float>() + column, *const steps = w.steps.as<float>();
  const float* const bias = op.b ? op.b.as<float>() + column : nullptr;
  for (int64_t r = 0; r < rows; ++r, sums += kPanel) {
    const V step = set1(steps[row + r]);
    float* const pre = op.pre ? op.pre.row<float>(row + r) + column : nullptr;
    const float* const residual = op.residual ? op.residual.row<float>(row + r) + column : nullptr;
    float* const y = op.y.row<float>(row + r) + column;
    for_vectors(count, [&](int64_t i, int64_t n) {
      V v = difference(sums + i, w.shift + column + i, n) * (step * load_some(scales + i, n));
      if (bias) v += load_some(bias + i, n);
      if (pre) store_some(pre + i, v, n);
      v = value<act>(v);
      if (residual) v += load_some(residual + i, n);
      store_some(y + i, v, n);
    });
  }
}

template <Act act>
void rounded_linear_of(const Linear& op, const RoundedPanels& w) {
  const int64_t rows = op.y.rows, cols = op.y.cols, words = (w.rows.cols + 3) / 4;
  const int64_t panels = (cols + kPanel - 1) / kPanel, blocks = (rows + kBlockRows - 1) / kBlockRows;
#pragma omp parallel for schedule(static)
  for (int64_t unit = 0; unit < blocks * panels; ++unit) {
    alignas(64) int32_t sums[kBlockRows * kPanel];
    const int64_t block = unit / panels, p = unit % panels, row = block * rows / blocks, column = p * kPanel;
    const int64_t some = (block + 1) * rows / blocks - row;
    multiply_words(w.rows.row<uint8_t>(row), w.rows.stride, some, words, static_cast<const int32_t*>(w.data) + p * w.panel, sums);
    finish<act>(op, w, row, some, column, cols - column < kPanel ? cols - column : kPanel, sums);
  }
}

void rounded_linear(const Linear& op, const RoundedPanels& w) {
  with_act(op.act, [&]<Act act>() { rounded_linear_of<act>(op, w); });
}

}  // namespace

void add_rounded_products(Kernels& k) { k.rounded_linear = rounded_linear; }

}  // namespace cw::CW_ISA
