// How kernels go over a matrix whose columns may be summed on the way: a block takes some columns, a run of them for each
// lane, and every so-manyth group of rows. Grid: columns, groups of rows.
#pragma once
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {

inline constexpr int kColumnLanes = 32;                       // runs of columns that a block takes side by side
inline constexpr int kColumnPhases = 8;                       // and rows
inline constexpr int kColumnThreads = kColumnLanes * kColumnPhases;
inline constexpr int kColumnBlocks = 3;                       // that a multiprocessor runs at once
inline constexpr int kBlockColumns = kColumnLanes * kRun;

/// Rows of two matrices that a thread has in flight.
template <class T>
inline constexpr int kRowsAtOnce = sizeof(T) == 2 ? 2 : 1;

/// The first column of this thread's run; may lie past the end.
__device__ inline int64_t column_of_thread() {
  return (static_cast<int64_t>(blockIdx.x) * kColumnLanes + threadIdx.x % kColumnLanes) * kRun;
}
/// With `at_once` rows in flight a thread takes this one and the next ones kColumnPhases apart, then those row_step() further.
template <int at_once>
__device__ int64_t first_row() {
  return static_cast<int64_t>(blockIdx.y) * at_once * kColumnPhases + threadIdx.x / kColumnLanes;
}
template <int at_once>
__device__ int64_t row_step() {
  return static_cast<int64_t>(gridDim.y) * at_once * kColumnPhases;
}

/// partial[blockIdx.y] = the threads' sums of their columns, added in the order of their rows. All threads must call it.
__device__ inline void store_column_sums(const float (&sum)[kRun], View<float> partial) {
  CW_SHARED(float, sums, [kColumnPhases][kBlockColumns]);
  const int lane = threadIdx.x % kColumnLanes, phase = threadIdx.x / kColumnLanes;
#pragma unroll
  for (int k = 0; k < kRun; ++k) sums[phase][lane * kRun + k] = sum[k];
  __syncthreads();
  static_assert(kColumnThreads == kBlockColumns, "a thread for each column");
  const int64_t mine = static_cast<int64_t>(blockIdx.x) * kBlockColumns + threadIdx.x;
  if (mine >= partial.cols) return;
  float all = 0;
#pragma unroll
  for (int p = 0; p < kColumnPhases; ++p) all += sums[p][threadIdx.x];
  partial.row(blockIdx.y)[mine] = all;
}

}  // namespace cw
