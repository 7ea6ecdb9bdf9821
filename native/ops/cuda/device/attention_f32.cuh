// f32 attention's pieces, forward and backward: a warp owns some rows, a lane stands for one row of a tile in products over
// columns and for some columns in sums over the tile's rows. Products are exact, with f32's own rounding: no tensor cores.
#pragma once
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {

constexpr int kF32Warps = 4, kF32Threads = kF32Warps * kWarp;
constexpr int kF32Own = 4;                        // rows of a warp
constexpr int kF32Rows = kF32Warps * kF32Own;     // of a block
constexpr int kF32Tile = kWarp;                   // rows of a tile: a lane each
constexpr int kF32Columns = kWidestHead / kWarp;  // of a lane

inline int f32_tiles(int64_t rows) { return static_cast<int>(rows > 0 ? ceil_div(rows, kF32Rows) : 1); }

/// Rows in shared memory, an odd number of floats apart: lanes that read a column touch different banks.
struct F32Rows {
  float* data;
  int width;

  static __host__ __device__ int distance(int width) { return width | 1; }
  __device__ float* end(int rows) const { return data + rows * distance(width); }
  __device__ float* row(int r) const { return data + r * distance(width); }
  /// `count` rows from the matrix at `from`, zeros after them.
  __device__ void load(int rows, const float* from, int64_t stride, int count) const {
    for (int i = threadIdx.x; i < rows * width; i += blockDim.x) {
      const int r = i / width, c = i % width;
      row(r)[c] = r < count ? from[r * stride + c] : 0.0f;
    }
  }
};

/// What follows the weights of f32_add.
__device__ inline F32Rows f32_rows(float4* weights, int width) {
  return {reinterpret_cast<float*>(weights + kF32Threads), width};
}

/// Shared memory of a kernel that keeps `own` rows and `tiles` tiles, after the weights of f32_add.
inline size_t f32_bytes(int width, int own, int tiles) {
  return sizeof(float4) * kF32Threads +
         sizeof(float) * static_cast<size_t>(F32Rows::distance(width)) * static_cast<size_t>(own + tiles * kF32Tile);
}

/// s[i] += (row own + i)·(row `lane` of the tile).
__device__ inline void f32_dots(const F32Rows& rows, int own, const F32Rows& tile, int lane, float (&s)[kF32Own]) {
  const float* mine = tile.row(lane);
  for (int c = 0; c < rows.width; ++c) {
    const float x = mine[c];
#pragma unroll
    for (int i = 0; i < kF32Own; ++i) s[i] = fmaf(rows.row(own + i)[c], x, s[i]);
  }
}

/// out[i] += Σ over the tile's rows of weight[i]·row, where a lane has the weights of its row and the sums of its columns.
/// shared: a float4 for each thread.
__device__ inline void f32_add(float4* shared, const float (&weight)[kF32Own], const F32Rows& tile,
                               float (&out)[kF32Own][kF32Columns]) {
  static_assert(kF32Own == 4);
  const int lane = threadIdx.x % kWarp;
  float4* weights = shared + threadIdx.x / kWarp * kWarp;
  __syncwarp();  // an earlier call may still be reading
  weights[lane] = make_float4(weight[0], weight[1], weight[2], weight[3]);
  __syncwarp();
  for (int r = 0; r < kWarp; ++r) {
    const float4 w = weights[r];
#pragma unroll
    for (int j = 0; j < kF32Columns; ++j) {
      const int c = lane + kWarp * j;
      if (c >= tile.width) break;
      const float x = tile.row(r)[c];
      out[0][j] = fmaf(w.x, x, out[0][j]);
      out[1][j] = fmaf(w.y, x, out[1][j]);
      out[2][j] = fmaf(w.z, x, out[2][j]);
      out[3][j] = fmaf(w.w, x, out[3][j]);
    }
  }
}

/// A row of sums, times `by`, to global memory.
__device__ inline void f32_store(const float (&sums)[kF32Columns], float by, float* to, int width) {
#pragma unroll
  for (int j = 0; j < kF32Columns; ++j)
    if (const int c = threadIdx.x % kWarp + kWarp * j; c < width) to[c] = by * sums[j];
}

}  // namespace cw
