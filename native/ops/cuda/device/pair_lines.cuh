// What the sweeps over pairs (pair_sweep.cuh, pair_sweep_grad.cuh) and a loss's rule say to each other. A rule is what one
// loss makes of logits: its part of the forward sweep says what a tile adds to the loss's statistics, its part of the
// backward sweep what a pair's gradient weighs. Rows are images and columns texts, or the other way round: nothing here
// knows which, so that one kernel gives the gradients of both.
#pragma once
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/device/reduce.cuh"

namespace cw {

inline constexpr int kSweepWarps = 8, kSweepThreads = kSweepWarps * kWarp;
inline constexpr int kDepth = 64;  // features are padded with zeros to a multiple of this
inline constexpr int kTileCols = 4;  // of the forward sweep, 8 columns of a warp each
inline constexpr float kLog2 = 0.693147180559945309f, kPerLog2 = 1.44269504088896341f;

/// Rows and columns among pairs.
struct PairLines {
  int rows, cols;
  int64_t diagonal;                        // the column of row 0's own pair; may lie outside
  const int32_t *row_groups, *col_groups;  // null: nothing is left out

  /// Whether every pair of a tile counts and none is one's own.
  __device__ bool plain(int row, int row_count, int col, int col_count) const {
    return !row_groups && row + row_count <= rows && col + col_count <= cols && !crosses_diagonal(row, row_count, col, col_count);
  }
  /// Whether a tile has a pair of one's own.
  __device__ bool crosses_diagonal(int row, int row_count, int col, int col_count) const {
    return diagonal + row < col + col_count && col < diagonal + row + row_count;
  }
};

/// A row or column, with what decides which of its pairs count.
struct PairLine {
  int index, group;
  bool inside;

  static __device__ PairLine row(const PairLines& lines, int r) {
    const bool inside = r < lines.rows;
    return {r, inside && lines.row_groups ? lines.row_groups[r] : 0, inside};
  }
  static __device__ PairLine col(const PairLines& lines, int c) {
    const bool inside = c < lines.cols;
    return {c, inside && lines.row_groups ? lines.col_groups[c] : 0, inside};
  }
};
__device__ inline bool own_pair(const PairLines& lines, const PairLine& row, const PairLine& col) {
  return lines.diagonal + row.index == col.index;
}
__device__ inline bool counts(const PairLines& lines, const PairLine& row, const PairLine& col) {
  return row.inside && col.inside && (!lines.row_groups || row.group != col.group || own_pair(lines, row, col));
}

/// Two matrices of features whose rows are multiplied with each other.
template <class T>
struct PairFeaturesView {
  const T *a, *b;               // [lines.rows, slices·kDepth] and [lines.cols, slices·kDepth]
  int64_t a_stride, b_stride;   // of multiples of 16 bytes
  int slices;                   // of kDepth features
  int span;                     // columns that a block goes over: from blockIdx.y·span
};

/// A block's own rows stay in shared memory, kDepth features a tile: [slices][rows][kDepth].
template <class T>
struct OwnTiles {
  T* data;
  int rows;

  __device__ Tile<T, kDepth> slice(int s) const { return {data + s * rows * kDepth}; }
  __device__ T* end(int slices) const { return data + slices * rows * kDepth; }
  /// Rows first .. first + rows of a matrix; the last one again below its end.
  __device__ void load(AsyncCopies& copies, const T* from, int64_t stride, int slices, int first, int count) const {
    constexpr int kChunks = kDepth / kRun;
    const int chunk = threadIdx.x % kChunks;
    for (int r = threadIdx.x / kChunks; r < rows; r += kSweepThreads / kChunks) {
      const T* source = from + min(first + r, count - 1) * stride + chunk * kRun;
      T* to = slice(0).at(r, chunk);
      for (int s = 0; s < slices; ++s) copies.copy(to + s * rows * kDepth, source + s * kDepth);
    }
  }
};

/// 2^x. What is smaller than 2^-126 is zero: next to a sum whose largest term is 1, or a gradient of that size, it is nothing.
#ifdef CW_CUDA_EMULATED
inline float power_of_2(float x) { return std::exp2(x); }
#else
__device__ inline float power_of_2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#endif

}  // namespace cw
