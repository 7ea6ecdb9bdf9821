// A tile of products image·text as the losses' kernels see it: blocks of kBlockRows x kBlockCols, in which a warp has rows
// warp, warp + kWarps, ... and a lane two packs of four neighbouring columns.
#pragma once
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"

namespace cw {

struct PairTile {
  float* dots;  // rows at multiples of 16 bytes, readable to their whole stride
  int64_t stride;
  int rows, cols;
  int64_t diagonal;  // the column of row 0's own pair; may lie outside
  const int32_t *row_groups, *col_groups;  // of row 0 and column 0; null: nothing is left out
  const float* logit_scale;                // the logarithm
};

inline constexpr int kPairWarps = 8, kPairThreads = kPairWarps * kWarp;
inline constexpr int kPack = 4, kPacks = 2, kLaneCols = kPack * kPacks;
inline constexpr int kBlockCols = kWarp * kLaneCols;
inline constexpr int kRowsOfWarp = 8, kBlockRows = kPairWarps * kRowsOfWarp;

inline dim3 pair_grid(int64_t rows, int64_t cols) {
  return {blocks_for(cols, kBlockCols), blocks_for(rows, kBlockRows)};
}

/// This thread's place: rows row(r), and columns col(k), of which k = 0..3 and 4..7 are neighbours.
struct PairPlace {
  int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;

  __device__ int row(int r) const { return static_cast<int>(blockIdx.y) * kBlockRows + r * kPairWarps + warp; }
  /// Within the block.
  __device__ int block_col(int k) const { return k / kPack * kWarp * kPack + lane * kPack + k % kPack; }
  __device__ int col(int k) const { return static_cast<int>(blockIdx.x) * kBlockCols + block_col(k); }
};

/// Products of one of the tile's rows with the lane's columns. Columns outside of the tile are left to the caller.
__device__ inline void load_dots(const PairTile& t, const PairPlace& place, int row, float (&dots)[kLaneCols]) {
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int col = place.col(p * kPack);
    Pack<float> pack{};
    if (col < t.cols) pack = load_pack(t.dots + row * t.stride + col);
#pragma unroll
    for (int k = 0; k < kPack; ++k) dots[p * kPack + k] = pack.v[k];
  }
}

/// Neighbouring columns of a row of a gradient.
template <class G>
struct alignas(kPack * sizeof(G)) GradPack {
  G v[kPack];
};

/// Which columns count for a row: inside of the tile, and not another picture or text of the row's group.
__device__ inline bool counts(const PairTile& t, int row, int col) {
  if (col >= t.cols) return false;
  return !t.row_groups || t.diagonal + row == col || t.row_groups[row] != t.col_groups[col];
}

}  // namespace cw
