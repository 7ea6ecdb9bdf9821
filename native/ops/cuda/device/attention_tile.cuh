// What the attention kernels share: which rows a block works on, and its tiles' way from and to global memory.
#pragma once
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"
#include "ops/ops.h"

namespace cw {

constexpr int kWidestHead = 128;
constexpr float kLog2e = 1.4426950408889634f;

/// 2ˣ to 2 units in the last place; results below the least normal number are zero, which spares two instructions of four.
__device__ inline float fast_exp2(float x) {
#ifdef CW_CUDA_EMULATED
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/// One sequence's rows: keys first .. first + n, queries q_first .. q_first + m.
struct Span {
  int first, q_first, n, m;
};

/// The work of a grid: every sequence, head and tile of so many rows, and after the last sequence one more, whose blocks
/// write zeros to the rows that belong to none.
struct AttentionGrid {
  const int32_t* offsets;
  const int32_t* asked;      // of queries
  const int32_t* positions;  // of queries; null: every row asks
  int count, heads, width, tiles;
  bool causal, aligned;
  float scale, log2_scale;  // of logits; the second one for powers of 2

  struct Place {
    int sequence, head, tile;
  };
  __device__ Place place(unsigned block) const {
    const unsigned row = block / tiles;
    return {static_cast<int>(row / heads), static_cast<int>(row % heads), static_cast<int>(block % tiles)};
  }
  __device__ Span span(int s) const {
    return {offsets[s], asked[s], offsets[s + 1] - offsets[s], asked[s + 1] - asked[s]};
  }
  /// Where in its sequence query `row` stands; anywhere beyond the last one.
  __device__ int position(const Span& span, int row) const {
    return positions && row < span.m ? positions[span.q_first + row] - span.first : row;
  }
  /// How many keys query `row` of a sequence may see.
  __device__ int visible(const Span& span, int row) const {
    return !causal || row >= span.m ? span.n : position(span, row) + 1;
  }
  /// What no query before `row` sees more of.
  __device__ int most_visible(const Span& span, int row) const { return causal && !positions ? min(span.n, row) : span.n; }
};

/// A block's share of rows of at most `rows`: whole warps, evenly spread.
struct RowSplit {
  int tiles, warps, of_warp;

  RowSplit(int64_t rows, int most_warps, int of_warp = 16) : of_warp(of_warp) {
    const int64_t groups = rows > 0 ? ceil_div(rows, of_warp) : 1;
    tiles = static_cast<int>(ceil_div(groups, most_warps));
    warps = static_cast<int>(ceil_div(groups, tiles));
  }
  int rows() const { return of_warp * warps; }
  /// Few warps would wait long for what they load.
  unsigned threads(int least_warps = 4) const { return 32u * static_cast<unsigned>(warps < least_warps ? least_warps : warps); }
};

template <class Op>
void require_head(const Op& op, const char* name) {
  const int64_t width = op.q.cols / op.heads;
  if (width > kWidestHead)
    throw Error(Code::unsupported, std::string("[cuda] ") + name + ": expected heads of at most " +
                                       std::to_string(kWidestHead) + " columns, got " + std::to_string(width) +
                                       "; use device 'cpu'");
}

template <class Op>
AttentionGrid attention_grid(const Op& op, int tiles) {
  const int64_t width = op.q.cols / op.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  return {.offsets = op.sequences.offsets.template as<int32_t>(),
          .asked = (op.queries ? op.queries.offsets : op.sequences.offsets).template as<int32_t>(),
          .positions = op.queries ? op.queries.positions.template as<int32_t>() : nullptr,
          .count = static_cast<int>(op.sequences.count),
          .heads = static_cast<int>(op.heads),
          .width = static_cast<int>(width),
          .tiles = tiles,
          .causal = op.causal,
          .aligned = width % kRun == 0 && rows_aligned(op.q) && rows_aligned(op.k) && rows_aligned(op.v) && rows_aligned(op.y),
          .scale = static_cast<float>(scale),
          .log2_scale = static_cast<float>(scale * kLog2e)};
}

inline unsigned blocks_of(const AttentionGrid& grid) {
  return static_cast<unsigned>(int64_t{grid.count + 1} * grid.heads * grid.tiles);
}

inline int64_t most_queries(const Queries& queries, const Sequences& sequences) {
  return queries ? queries.max_per_sequence : sequences.max_length;
}

/// Calls body.operator()<W>() with the padded width of a head.
template <class Body>
void by_width(int width, Body&& body) {
  if (width <= 32) return body.template operator()<32>();
  if (width <= 64) return body.template operator()<64>();
  if (width <= 96) return body.template operator()<96>();
  body.template operator()<128>();
}

/// Zeros to the columns of a head in rows from `from`, spread over a head's blocks.
template <class T>
__device__ inline void zero_rows(const View<T>& x, int64_t from, const AttentionGrid& grid, const AttentionGrid::Place& at) {
  const int warps = blockDim.x / kWarp, warp = threadIdx.x / kWarp;
  for (int64_t r = from + at.tile * warps + warp; r < x.rows; r += int64_t{grid.tiles} * warps)
    for (int c = threadIdx.x % kWarp; c < grid.width; c += kWarp) x.row(r)[at.head * grid.width + c] = from_float<T>(0.0f);
}

/// Rows 0 .. rows of a tile: `count` rows of the matrix at `from`; zeros below them and right of `width` columns.
template <class T, int W>
__device__ inline void load_tile(AsyncCopies& copies, const Tile<T, W>& tile, int rows, const T* from, int64_t stride,
                                 int count, int width, bool aligned) {
  constexpr int kChunks = Tile<T, W>::kChunks;
  for (int i = threadIdx.x; i < rows * kChunks; i += blockDim.x) {
    const int row = i / kChunks, chunk = i % kChunks, left = row < count ? width - chunk * kRun : 0;
    const T* source = from + row * stride + chunk * kRun;
    T* to = tile.at(row, chunk);
    if (aligned && left > 0) {
      copies.copy(to, source);
      continue;
    }
    Pack<T> pack;
#pragma unroll
    for (int k = 0; k < kRun; ++k) pack.v[k] = k < left ? source[k] : from_float<T>(0.0f);
    store_pack(to, pack);
  }
}

/// Rows first .. first + rows of a tile to `count` rows of the matrix at `to`, by `threads` threads; this is number `me`.
template <class T, int W>
__device__ inline void store_tile(const Tile<T, W>& tile, int first, int rows, T* to, int64_t stride, int count, int width,
                                  bool aligned, int me, int threads) {
  constexpr int kChunks = Tile<T, W>::kChunks;
  for (int i = me; i < rows * kChunks; i += threads) {
    const int row = i / kChunks, chunk = i % kChunks, left = width - chunk * kRun;
    if (row >= count || left <= 0) continue;
    const Pack<T> pack = load_pack(tile.at(first + row, chunk));
    T* out = to + row * stride + chunk * kRun;
    if (aligned) {
      store_pack(out, pack);
      continue;
    }
#pragma unroll
    for (int k = 0; k < kRun; ++k)
      if (k < left) out[k] = pack.v[k];
  }
}

/// The largest or the sum over the four lanes that share a row of accumulators.
template <class Combine>
__device__ inline float reduce_quad(float x, Combine combine) {
  x = combine(x, __shfl_xor_sync(kWholeWarp, x, 1));
  return combine(x, __shfl_xor_sync(kWholeWarp, x, 2));
}

/// A whole multiple of 16, at most `most`, for n rows.
__device__ inline int rows_for(int n, int most) { return min((n + 15) / 16 * 16, most); }

}  // namespace cw
