// Products of few rows: a picture's or a caption's. Such a product lasts about as long as its weights take to come from memory,
// so they are read once, in their order, and each panel is asked for while the one before it is multiplied. oneDNN multiplies
// many rows better, but fetches and multiplies few ones by turns. A weight that lies as [O,I] becomes the same panels in the
// first cache, a part at a time, and is multiplied in the same order.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/kernels/transpose16.h"
#include "ops/cpu/kernels/wide_tile.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kDepth = 96;                   // of a panel, at a time: it stays in the first cache with its sums

/// What is asked for while rows are multiplied: `lines` of them at each step, from `at` on; after `left` of them, and then after
/// each `run`, the next are `skip` bytes on.
struct Ahead {
  const char* at;
  int64_t lines, left, run, skip;

  bool none() const { return lines == 0; }
  void operator()(int64_t) {
    for (int64_t line = 0; line < lines; ++line, at += kLine) {
      __builtin_prefetch(at, 0, 2);
      if (--left == 0) left = run, at += skip;
    }
  }
};

/// Panels that lie one after another, `panel` elements each.
template <class W>
struct Packed {
  const W* data;
  int64_t panel;

  const W* at(int64_t p, int64_t k) const { return data + p * panel + k * kPanel; }
  /// `depth` rows of panel p from row k on, in f32: where they lie, or widened.
  const float* part(int64_t p, int64_t k, int64_t depth, float* wide) const {
    if constexpr (sizeof(W) == sizeof(float)) return at(p, k);
    for (int64_t i = 0; i < depth * kPanel; i += kWidth) store(wide + i, load(at(p, k) + i));
    return wide;
  }
  /// Of such a part, `lines` at a time from line `first` on.
  Ahead ask(int64_t p, int64_t k, int64_t, int64_t first, int64_t lines) const {
    return {reinterpret_cast<const char*>(at(p, k)) + first * kLine, lines, -1, 0, 0};
  }
};

/// Columns of panels that lie as rows, `stride` elements apart; depths are multiples of 16.
template <class W>
struct Lying {
  const W* data;
  int64_t stride;

  const float* part(int64_t p, int64_t k, int64_t depth, float* wide) const {
    for (int64_t c = 0; c < kPanel; c += 16)
      for (int64_t d = 0; d < depth; d += 16)
        turn16(data + (p * kPanel + c) * stride + k + d, stride, wide + d * kPanel + c, kPanel);
    return wide;
  }
  Ahead ask(int64_t p, int64_t k, int64_t depth, int64_t first, int64_t lines) const {
    const int64_t bytes = depth * static_cast<int64_t>(sizeof(W)), run = (bytes + kLine - 1) / kLine;
    const char* const row = reinterpret_cast<const char*>(data + (p * kPanel + first / run) * stride + k);
    return {row + first % run * kLine, lines, run - first % run, run, stride * static_cast<int64_t>(sizeof(W)) - run * kLine};
  }
};

/// Columns column .. column+count of y.
void put(const FewRows& op, int64_t column, int64_t count, const float* sums) {
  for (int64_t r = 0; r < op.x.rows; ++r, sums += kPanel) {
    float* const to = op.y.row<float>(r) + column;
    const float* const add = op.addend ? op.addend.row<float>(r) + column : nullptr;
    for_vectors(count, [&](int64_t i, int64_t n) {
      V sum = load_some(sums + i, n);
      if (op.bias) sum += load_some(op.bias + column + i, n);
      if (add) sum += load_some(add + i, n);
      if (op.accumulate) sum += load_some(to + i, n);
      store_some(to + i, sum, n);
    });
  }
}

template <class W, template <class> class Panels>
void few_rows_of(const FewRows& op, Panels<W> weight) {
  const int64_t rows = op.x.rows, depth = op.x.cols, cols = op.y.cols;
  const int64_t panels = (cols + kPanel - 1) / kPanel;
  const int64_t blocks = tiles_of(rows), parts = kPanel / kTileColumns;
  const int64_t lines = kPanel * static_cast<int64_t>(sizeof(W)) / kLine;  // of a panel's row
  const int64_t each = (lines + blocks * parts - 1) / (blocks * parts);
#pragma omp parallel for schedule(static)
  for (int64_t p = 0; p < panels; ++p) {
    alignas(64) float sums[kFewRows * kPanel], wide[kDepth * kPanel];
    for (int64_t k = 0; k < depth; k += kDepth) {
      const int64_t some = depth - k < kDepth ? depth - k : kDepth, end = k + some;
      const float* const panel = weight.part(p, k, some, wide);
      const bool last = end == depth, more = p + 1 < panels || !last;
      const int64_t next = last ? 0 : end, next_depth = depth - next < kDepth ? depth - next : kDepth;
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t first = tile_row(b, rows), count = tile_row(b + 1, rows) - first;
        for (int64_t part = 0; part < parts; ++part) {
          const int64_t turn = b * parts + part;
          const bool asks = more && (turn + 1) * each <= lines;
          wide_rows<false>(count, op.x.row<float>(first) + k, op.x.stride, some, panel + part * kTileColumns,
                           weight.ask(last ? p + 1 : p, next, next_depth, turn * each * some, asks ? each : 0),
                           sums + first * kPanel + part * kTileColumns, k == 0);
        }
      }
    }
    put(op, p * kPanel, cols - p * kPanel < kPanel ? cols - p * kPanel : kPanel, sums);
  }
}

template <class W>
void few_rows_typed(const FewRows& op) {
  const W* const data = static_cast<const W*>(op.w);
  op.lying ? few_rows_of(op, Lying<W>{data, op.stride}) : few_rows_of(op, Packed<W>{data, op.stride});
}

void few_rows(const FewRows& op) { op.type == DType::f32 ? few_rows_typed<float>(op) : few_rows_typed<bf16>(op); }

}  // namespace

void add_few_rows(Kernels& k) { k.few_rows = few_rows; }

}  // namespace cw::CW_ISA
