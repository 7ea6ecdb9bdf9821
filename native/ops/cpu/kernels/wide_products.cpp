// Products in f32 with a right side in panels. A thread brings a block of rows into its second cache, widened if they are of
// 16 bits, multiplies them by one panel after the other, and makes of the sums what is asked while they are there: no matrix of
// 16 bits lies in f32 as a whole, and threads wait for each other once a product. A sum runs over its terms in their order, whatever the number of
// threads.
#include <omp.h>

#include "ops/cpu/kernels/activation_values.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/kernels/wide_tile.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kBlockRows = kSumRows;  // so that a block's column sums are a chunk's
constexpr int64_t kDeep = 768;            // terms of a sum at a time: with kGroup panels of sums they fill the second cache
constexpr int64_t kGroup = 12;            // panels that share what was widened, where sums have more terms
constexpr int64_t kPad = 16;              // so that rows do not fall on the same lines of the first cache
constexpr int64_t kRowsAhead = 8;         // of a left side that is read by columns
constexpr int64_t kTileStride = kTileRows * (kDeep + kPad / 2);  // of a turned left side: an odd number of lines

constexpr int64_t parts_of(int64_t depth) { return (depth + kDeep - 1) / kDeep; }

/// Of a thread's memory: what it widens, and the sums behind it, those of one panel after the other.
int64_t block_rows(int64_t rows) { return rows < kBlockRows ? rows : kBlockRows; }
int64_t left_floats(int64_t rows) { return tiles_of(block_rows(rows)) * kTileRows * (kDeep + kPad); }
int64_t panel_sums(int64_t rows) { return block_rows(rows) * kPanel; }
int64_t sum_floats(int64_t rows, int64_t depth) { return (parts_of(depth) > 1 ? kGroup : 1) * panel_sums(rows); }

/// Columns column .. column+count of rows first .. first+rows, whose sums lie as rows of kPanel.
struct Done {
  int64_t first, rows, column, count;
  const float* sums;
};

/// Those columns of up to four matrices, to be asked for.
struct Written {
  Ask asks[8];
  int64_t count = 0;

  void add(const Tensor& x, int64_t first, int64_t column) {
    if (!x) return;
    const int64_t size = static_cast<int64_t>(size_of(x.dtype));
    const char* const at = x.as<char>() + (first * x.stride + column) * size;
    for (int64_t line = 0; line < kPanel * size && count < 8; line += kLine) asks[count++] = {at + line, x.stride * size};
  }
};

/// For each block of rows and its columns: fill(space, first row, rows, first term, terms, whether it is the first time for
/// these rows) widens a part of the left side, finish(Done) takes the sums to `to`.
template <bool kTurned, int kMatrices, class Fill, class Finish>
void for_blocks(const WidePanels& w, int64_t depth, const Tensor (&to)[kMatrices], Fill&& fill, Finish&& finish) {
  const int64_t rows = to[0].rows, cols = to[0].cols;
  const int64_t panels = (cols + kPanel - 1) / kPanel;
  const int64_t parts = parts_of(depth), left_size = left_floats(rows), size = left_size + sum_floats(rows, depth);
  const int64_t deep = ((depth + parts - 1) / parts + kTileDepth - 1) / kTileDepth * kTileDepth;
#pragma omp parallel num_threads(w.threads)
  {
    float* const left = static_cast<float*>(w.scratch) + omp_get_thread_num() * size;
    float* const sums = left + left_size;
    // A thread's share is counted in rows of panels, since the last block may have few rows.
    const auto share = [&](int64_t thread) {
      const int64_t at = rows * panels * thread / omp_get_num_threads(), block = at / (kBlockRows * panels);
      const int64_t n = block_rows(rows - block * kBlockRows);
      return block * panels + (n > 0 ? (at - block * kBlockRows * panels) / n : 0);
    };
    const int64_t end = share(omp_get_thread_num() + 1);
    for (int64_t unit = share(omp_get_thread_num()), count = 0; unit < end; unit += count) {
      const int64_t first = unit / panels * kBlockRows, p0 = unit % panels;
      const int64_t n = block_rows(rows - first);
      count = panels - p0 < end - unit ? panels - p0 : end - unit;
      if (parts > 1 && count > kGroup) count = kGroup;
      for (int64_t k = 0; k < depth; k += deep) {
        const int64_t some = depth - k < deep ? depth - k : deep;
        fill(left, first, n, k, some, p0 == 0);
        for (int64_t p = p0; p < p0 + count; ++p) {
          float* const of_panel = parts > 1 ? sums + (p - p0) * panel_sums(rows) : sums;
          const float* const panel = w.data + p * w.panel + k * kPanel;
          const WideLeft a{left, kTurned ? kTileStride : kDeep + kPad};
          const int64_t column = p * kPanel, width = cols - column < kPanel ? cols - column : kPanel;
          const bool last = k + some == depth;
          Written written;
          for (int i = 0; last && i < kMatrices; ++i) written.add(to[i], first, column);
          multiply_panel<kTurned>(n, a, some, panel, panel + w.panel, written.asks, written.count, of_panel, k == 0);
          if (last) finish(Done{first, n, column, width, of_panel});
        }
      }
    }
  }
}

/// Rows as they lie.
template <class T>
auto rows_of(const Tensor& x) {
  return [&x](float* to, int64_t first, int64_t rows, int64_t k, int64_t some, bool) {
    for (int64_t r = 0; r < rows; ++r, to += kDeep + kPad) {
      const T* const from = x.row<T>(first + r) + k;
      for_vectors(some, [&](int64_t i, int64_t n) { store_some(to + i, load_some(from + i, n), n); });
    }
  };
}

template <Act act, class T, class Y>
void forward(const Linear& op, const WidePanels& w) {
  const float* const bias = op.b.as<float>();
  for_blocks<false>(w, op.x.cols, {op.y, op.pre, op.residual}, rows_of<T>(op.x), [&](const Done& d) {
    for (int64_t r = 0; r < d.rows; ++r) {
      const float* const sums = d.sums + r * kPanel;
      T* const pre = op.pre ? op.pre.row<T>(d.first + r) + d.column : nullptr;
      const Y* const residual = op.residual ? op.residual.row<Y>(d.first + r) + d.column : nullptr;
      Y* const y = op.y.row<Y>(d.first + r) + d.column;
      for_vectors(d.count, [&](int64_t i, int64_t n) {
        V v = load_some(sums + i, n);
        if (bias) v += load_some(bias + d.column + i, n);
        if (pre) store_some(pre + i, v, n);
        v = value<act>(v);
        if (residual) v += load_some(residual + i, n);
        store_some(y + i, v, n);
      });
    }
  });
}

/// out = column sums of the rows that are done, as they are stored.
template <class T>
void sum_done(const Tensor& x, const Done& d, float* out) {
  for_vectors(d.count, [&](int64_t i, int64_t n) {
    V s = set1(0);
    for (int64_t r = 0; r < d.rows; ++r) s += load_some(x.row<T>(d.first + r) + d.column + i, n);
    store_some(out + i, s, n);
  });
}

template <Act act, class T>
void input_grad(const LinearInputGrad& op, const WidePanels& w, const Tensor& partials) {
  for_blocks<false>(w, op.dy.cols, {op.dx, op.pre, op.residual, op.hidden}, rows_of<T>(op.dy), [&](const Done& d) {
    for (int64_t r = 0; r < d.rows; ++r) {
      const float* const sums = d.sums + r * kPanel;
      const T* const pre = act != Act::none ? op.pre.row<T>(d.first + r) + d.column : nullptr;
      const T* const residual = op.residual ? op.residual.row<T>(d.first + r) + d.column : nullptr;
      T* const hidden = act != Act::none && op.hidden ? op.hidden.row<T>(d.first + r) + d.column : nullptr;
      T* const dx = op.dx.row<T>(d.first + r) + d.column;
      for_vectors(d.count, [&](int64_t i, int64_t n) {
        V v = load_some(sums + i, n);
        if constexpr (act != Act::none) {
          const V x = load_some(pre + i, n);
          v = v * slope<act>(x);
          if (hidden) store_some(hidden + i, value<act>(x), n);
        }
        if (residual) v += load_some(residual + i, n);
        store_some(dx + i, v, n);
      });
    }
    if (partials) sum_done<T>(op.dx, d, partials.row<float>(d.first / kSumRows) + d.column);
  });
}

inline void widen8(const bf16* x, float* y) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  _mm256_storeu_ps(y, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)));
}
inline void widen8(const f16* x, float* y) {
  _mm256_storeu_ps(y, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}

inline void widen8(const float* x, float* y) { _mm256_storeu_ps(y, _mm256_loadu_ps(x)); }

/// Sums of some rows of up to kBlockRows columns.
template <class T>
void sum_columns(const Tensor& x, int64_t first, int64_t rows, int64_t column, int64_t count, float* out) {
  V sums[kBlockRows / kWidth];
  for (V& s : sums) s = set1(0);
  for (int64_t r = first; r < first + rows; ++r)
    for (int64_t c = 0; c < count; c += kWidth) sums[c / kWidth] += load_some(x.row<T>(r) + column + c, lanes_left(count - c));
  for (int64_t c = 0; c < count; c += kWidth) store_some(out + c, sums[c / kWidth], lanes_left(count - c));
}

template <class T>
void weight_grad(const Tensor& left, const WidePanels& w, const Tensor& dw, bool accumulate, const Tensor& partials) {
  const auto columns = [&](float* to, int64_t first, int64_t count, int64_t k, int64_t some, bool begins) {
    const int64_t tiles = tiles_of(count);
    int64_t starts[tiles_of(kBlockRows) + 1];
    for (int64_t t = 0; t <= tiles; ++t) starts[t] = tile_row(t, count);
    for (int64_t r = 0; r < some; ++r) {
      const T* const from = left.row<T>(k + r) + first;
      const char* const ahead = reinterpret_cast<const char*>(from + kRowsAhead * left.stride);
      for (size_t line = 0; line < kBlockRows * sizeof(T); line += kLine) __builtin_prefetch(ahead + line);
      float* row = to + r * kTileRows;
      for (int64_t t = 0; t < tiles; ++t, row += kTileStride)
        if (starts[t] + 8 <= count)  // what of eight is the next row's, or the padding's, is written later or not read
          widen8(from + starts[t], row);
        else
          store(row, load(from + starts[t], count - starts[t]), count - starts[t]);
    }
    for (int64_t t = 0; partials && begins && t < some; t += kSumRows)  // k is a multiple of kSumRows
      sum_columns<T>(left, k + t, some - t < kSumRows ? some - t : kSumRows, first, count,
                     partials.row<float>((k + t) / kSumRows) + first);
  };
  for_blocks<true>(w, left.rows, {dw}, columns, [&](const Done& d) {
    for (int64_t r = 0; r < d.rows; ++r) {
      const float* const sums = d.sums + r * kPanel;
      float* const to = dw.row<float>(d.first + r) + d.column;
      for_vectors(d.count, [&](int64_t i, int64_t n) {
        V v = load_some(sums + i, n);
        if (accumulate) v += load_some(to + i, n);
        store_some(to + i, v, n);
      });
    }
  });
}

size_t wide_scratch(int64_t rows, int64_t depth) {
  return static_cast<size_t>(left_floats(rows) + sum_floats(rows, depth)) * sizeof(float);
}

void wide_linear(const Linear& op, const WidePanels& w) {
  with_act(op.act, [&]<Act act>() {
    with_storage(op.x.dtype, [&]<class T>(T) {
      op.y.dtype == DType::f32 ? forward<act, T, float>(op, w) : forward<act, T, T>(op, w);
    });
  });
}

void wide_input_grad(const LinearInputGrad& op, const WidePanels& w, const Tensor& partials) {
  with_act(op.act, [&]<Act act>() {
    with_storage(op.dy.dtype, [&]<class T>(T) { input_grad<act, T>(op, w, partials); });
  });
}

void wide_weight_grad(const Tensor& left, const WidePanels& w, const Tensor& dw, bool accumulate, const Tensor& partials) {
  with_storage(left.dtype, [&]<class T>(T) { weight_grad<T>(left, w, dw, accumulate, partials); });
}

}  // namespace

void add_wide_products(Kernels& k) {
  k.wide_scratch = wide_scratch;
  k.wide_linear = wide_linear;
  k.wide_input_grad = wide_input_grad;
  k.wide_weight_grad = wide_weight_grad;
}

}  // namespace cw::CW_ISA
