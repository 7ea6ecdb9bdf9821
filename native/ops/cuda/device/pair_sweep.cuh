// The forward sweep over pairs: every logit is made once, on tensor cores, and seen by a loss's rule while it lies in registers.
//
// A block keeps its kRows rows of features in shared memory and goes over columns, 256 a time, of which each warp has 32 of
// its own. A warp multiplies all of the block's rows by its own columns and brings these itself, in slices of 32 features
// and kStages ahead, so that warps never wait for each other: while one takes exponentials, others multiply. Per warp and 16
// features, kRows = 128: 10 ldmatrix (5 KiB) for 32 mma, 13 multiplications a byte of shared memory, or 1680 a clock of
// 128 bytes; mma.sync does about 1270 on compute capability 9.0. From L2 comes each column once for 128 rows: 64
// multiplications a byte, 20 bytes a clock and multiprocessor. Tiles of 64 x 64 a warp would read 4 KiB, but every column's
// features would be brought twice, or warps would have to wait for each other.
#pragma once
#include "ops/cuda/device/pair_lines.cuh"

namespace cw {

inline constexpr int kStages = 4, kSlice = 32;
inline constexpr int kWarpCols = 8 * kTileCols, kSweepCols = kSweepWarps * kWarpCols;
inline constexpr int kStageElements = kWarpCols * kSlice;

/// Of shared memory, for elements of 16 bits.
inline constexpr size_t sweep_bytes(int rows, int slices) {
  return 2 * (size_t{1} * rows * slices * kDepth + size_t{1} * kSweepWarps * kStages * kStageElements);
}

/// A warp's columns of the matrix b, slice after slice on their way to its own part of shared memory.
template <class T>
class ColumnStream {
 public:
  __device__ ColumnStream(const PairFeaturesView<T>& f, int cols, T* memory, int first, int end)
      : f_(f), cols_(cols), memory_(memory), col_(first), end_(end) {}

  /// Lets the next slice come; none after the last.
  __device__ void advance(AsyncCopies& copies) {
    constexpr int kChunks = kSlice / kRun, kRowsAtOnce = kWarp / kChunks;
    const int lane = threadIdx.x % kWarp, chunk = lane % kChunks;
    if (col_ < end_) {
      const Tile<T, kSlice> to{memory_ + next_ * kStageElements};
      const T* from = f_.b + slice_ * kSlice + chunk * kRun;
#pragma unroll
      for (int r = lane / kChunks; r < kWarpCols; r += kRowsAtOnce)
        copies.copy(to.at(r, chunk), from + min(col_ + r, cols_ - 1) * f_.b_stride);
      if (++slice_ == f_.slices * (kDepth / kSlice)) {
        slice_ = 0;
        col_ += kSweepCols;
      }
    }
    next_ = (next_ + 1) % kStages;
    copies.commit();
  }
  /// Waits for the oldest slice, and lets another one come where the one before lay.
  __device__ Tile<T, kSlice> take(AsyncCopies& copies) {
    copies.template wait<kStages - 2>();
    __syncwarp();
    advance(copies);
    const Tile<T, kSlice> tile{memory_ + taken_ * kStageElements};
    taken_ = (taken_ + 1) % kStages;
    return tile;
  }

 private:
  const PairFeaturesView<T>& f_;
  int cols_;
  T* memory_;
  int col_, end_, slice_ = 0, next_ = 0, taken_ = 0;
};

/// Rule::State<kTiles>, of a warp: State(rule); begin(); add(row, col, dots), where dots[i][j][e] is the product of row
/// row + 16i + lane/4 + 8(e/2) with column col + 8j + 2(lane%4) + e%2; end(memory), with 2·rows floats of the warp's own in
/// shared memory, after which all of the block call merge(row, memory, stride) with the first warp's and their distance.
template <class T, int kTiles, class Rule>
__global__ void __launch_bounds__(kSweepThreads, 1) pair_sweep_kernel(PairFeaturesView<T> f, PairLines lines, Rule rule) {
  constexpr int kRows = 16 * kTiles;
  static_assert(2 * kRows * sizeof(float) <= kStages * kStageElements * sizeof(T));
  CW_SHARED_DYNAMIC(T, memory);
  const OwnTiles<T> own{memory, kRows};
  const int warp = threadIdx.x / kWarp;
  T* const stages = own.end(f.slices);
  T* const my_stages = stages + warp * kStages * kStageElements;
  const int first = static_cast<int>(blockIdx.y) * f.span, end = min(first + f.span, lines.cols);
  typename Rule::template State<kTiles> state(rule, lines);
  AsyncCopies copies;

  for (int row = blockIdx.x * kRows; row < lines.rows; row += gridDim.x * kRows) {
    __syncthreads();  // the rows before, and what warps left in their stages, have been read
    own.load(copies, f.a, f.a_stride, f.slices, row, lines.rows);
    copies.commit();
    ColumnStream<T> stream(f, lines.cols, my_stages, first + warp * kWarpCols, end);
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) stream.advance(copies);
    copies.template wait<kStages - 1>();
    __syncthreads();  // the block's rows are there

    state.begin();
    for (int col = first + warp * kWarpCols; col < end; col += kSweepCols) {
      float dots[kTiles][kTileCols][4] = {};
      for (int s = 0; s < f.slices; ++s) {
        const Tile<T, kDepth> left = own.slice(s);
#pragma unroll
        for (int part = 0; part < kDepth / kSlice; ++part) {
          const Tile<T, kSlice> right = stream.take(copies);
#pragma unroll
          for (int k = 0; k < kSlice; k += 16) {
            Fragment b[kWarpCols / 16], a[2];
            a[0] = left.left(0, part * kSlice + k);
#pragma unroll
            for (int j = 0; j < kWarpCols / 16; ++j) b[j] = right.right_turned(16 * j, k);
#pragma unroll
            for (int i = 0; i < kTiles; ++i) {
              if (i + 1 < kTiles) a[(i + 1) % 2] = left.left(16 * (i + 1), part * kSlice + k);  // on its way meanwhile
#pragma unroll
              for (int j = 0; j < kWarpCols / 16; ++j) multiply_add<T>(dots[i][2 * j], dots[i][2 * j + 1], a[i % 2], b[j]);
            }
          }
        }
      }
      state.add(row, col, dots);
    }
    copies.template wait<0>();
    __syncwarp();  // the warp's stages have been read
    state.end(reinterpret_cast<float*>(my_stages));
    __syncthreads();
    for (int r = threadIdx.x; r < kRows; r += kSweepThreads)
      state.merge(row, r, reinterpret_cast<const float*>(stages), kStages * kStageElements * sizeof(T) / sizeof(float));
  }
}

}  // namespace cw
