// Products of rows of f32 with panels of a right side, as many at a time as the caches hold: a part of a panel stays in the
// first one while all rows of a block meet it, and the next part is asked for meanwhile.
#pragma once
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

constexpr int kTileRows = 6;
constexpr int kTileVectors = 2 * kWidth / 8;                  // with kTileRows of them the registers are full
constexpr int64_t kTileColumns = kTileVectors * kWidth;       // of a panel, or of a part of it
static_assert(kPanel % kTileColumns == 0);
constexpr int64_t kTileDepth = 128;                           // of a panel, at a time

constexpr int64_t kLine = 64;                                 // bytes of the caches

constexpr int64_t tiles_of(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }
/// The first row of tile t: they have nearly the same number of rows each.
constexpr int64_t tile_row(int64_t t, int64_t rows) { return t * rows / tiles_of(rows); }

/// A left side by rows, `stride` elements apart. Or turned: then a tile is `stride` elements from the next, and has the values
/// k of all its rows side by side, kTileRows from those of k + 1.
struct WideLeft {
  const float* data;
  int64_t stride;
};

/// Lines of the caches that are asked for, one at each step; with a step of 0 none worth it.
struct Ask {
  const char* at;
  int64_t step;

  bool none() const { return step == 0; }
  void operator()(int64_t k) const { __builtin_prefetch(at + k * step, 0, 2); }
};

/// R rows by kTileColumns columns: sums[R rows of kPanel] = a·panel, or += that. Asks: as Ask.
template <int R, bool kTurned, class Asks>
inline __attribute__((always_inline)) void wide_tile(const float* a, int64_t stride, int64_t depth, const float* panel, Asks ask,
                                                     float* sums, bool begins) {
  V s[R][kTileVectors];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) s[r][v] = begins ? set1(0) : load(sums + r * kPanel + v * kWidth);
  const int64_t row = kTurned ? 1 : stride, step = kTurned ? kTileRows : 1;
  const auto add = [&](int64_t k) __attribute__((always_inline)) {
    V w[kTileVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) w[v] = load(panel + k * kPanel + v * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V x = set1(a[r * row + k * step]);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) s[r][v] = fma(x, w[v], s[r][v]);
    }
  };
  // Vectors of 8 leave few instructions for anything else: on a core that is shared with another thread a tenth is won.
  if (kWidth == 8 && ask.none()) {
#pragma GCC unroll 4
    for (int64_t k = 0; k < depth; ++k) add(k);
  } else {
    for (int64_t k = 0; k < depth; ++k) {
      ask(k);
      add(k);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) store(sums + r * kPanel + v * kWidth, s[r][v]);
}

template <bool kTurned, class Asks>
void wide_rows(int64_t rows, const float* a, int64_t stride, int64_t depth, const float* panel, const Asks& ask, float* sums,
               bool begins) {
  switch (rows) {
    case 1: return wide_tile<1, kTurned>(a, stride, depth, panel, ask, sums, begins);
    case 2: return wide_tile<2, kTurned>(a, stride, depth, panel, ask, sums, begins);
    case 3: return wide_tile<3, kTurned>(a, stride, depth, panel, ask, sums, begins);
    case 4: return wide_tile<4, kTurned>(a, stride, depth, panel, ask, sums, begins);
    case 5: return wide_tile<5, kTurned>(a, stride, depth, panel, ask, sums, begins);
    default: return wide_tile<6, kTurned>(a, stride, depth, panel, ask, sums, begins);
  }
}

/// What is asked for while a part is multiplied: the next part, then columns of rows that the sums go to.
struct PartAsks {
  static constexpr int64_t kMost = kPanel * 4 / kLine;  // lines of a part for each of its steps
  const float* next;
  const Ask* rows;
  int64_t count;

  Ask of(int64_t tile) const {
    if (tile < kMost) return {reinterpret_cast<const char*>(next) + tile * kTileDepth * kLine, kLine};
    return tile - kMost < count ? rows[tile - kMost] : Ask{reinterpret_cast<const char*>(next), 0};
  }
};

/// sums[rows of kPanel] (+)= a·panel over `depth` of both. `after` is read next, what is asked for is written next.
template <bool kTurned>
void multiply_panel(int64_t rows, const WideLeft& a, int64_t depth, const float* panel, const float* after, const Ask* asked,
                    int64_t count, float* sums, bool begins) {
  const int64_t tiles = tiles_of(rows);
  for (int64_t k = 0; k < depth; k += kTileDepth) {
    const int64_t some = depth - k < kTileDepth ? depth - k : kTileDepth;
    const bool last = k + some == depth;
    const PartAsks asks{last ? after : panel + (k + some) * kPanel, asked, last ? count : 0};
    for (int64_t t = 0, turn = 0; t < tiles; ++t) {
      const int64_t first = tile_row(t, rows), n = tile_row(t + 1, rows) - first;
      const float* const at = a.data + (kTurned ? t * a.stride + k * kTileRows : first * a.stride + k);
      for (int64_t c = 0; c < kPanel; c += kTileColumns, ++turn)
        wide_rows<kTurned>(n, at, a.stride, some, panel + k * kPanel + c, asks.of(turn), sums + first * kPanel + c,
                           begins && k == 0);
    }
  }
}

}  // namespace
}  // namespace cw::CW_ISA
