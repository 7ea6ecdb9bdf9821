// Column sums, whose order depends on the matrix's size and the card's multiprocessors alone.
#include "ops/cuda/column_sums.h"

#include <algorithm>

#include "ops/cuda/device/columns.cuh"
#include "ops/cuda/device/reduce.cuh"

namespace cw {
namespace {

template <class T>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    column_sums_kernel(View<const T> x, View<float> partial, bool aligned) {
  constexpr int kRows = 2 * kRowsAtOnce<T>;  // twice, as it reads one matrix alone
  const int64_t c = column_of_thread(), left = x.cols - c;
  float sum[kRun] = {};
  for (int64_t first = first_row<kRows>(); first < x.rows && left > 0; first += row_step<kRows>()) {
    float v[kRows][kRun];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases;
      load_run(x.row(r) + c, r < x.rows ? left : 0, aligned, v[i]);
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int k = 0; k < kRun; ++k) sum[k] += v[i][k];
  }
  store_column_sums(sum, partial);
}

constexpr int kPhases = 16;  // rows of partial sums that a block adds at a time

/// A block takes a warp's width of columns.
__global__ void partial_sums_kernel(View<const float> partial, int64_t width, SumTargets to, bool accumulate) {
  CW_SHARED(float, sums, [kPhases][kWarp]);
  const int lane = threadIdx.x % kWarp, phase = threadIdx.x / kWarp;
  const int64_t col = static_cast<int64_t>(blockIdx.x) * kWarp + lane;
  float sum = 0;
  if (col < partial.cols)
    for (int64_t r = phase; r < partial.rows; r += kPhases) sum += partial.row(r)[col];
  sums[phase][lane] = sum;
  __syncthreads();
  if (phase > 0 || col >= partial.cols) return;
#pragma unroll
  for (int p = 1; p < kPhases; ++p) sum += sums[p][lane];
  float* const y = (col < width ? to.part[0] : col < 2 * width ? to.part[1] : to.part[2]) + col % width;
  *y = accumulate ? *y + sum : sum;
}

}  // namespace

int64_t column_groups(int multiprocessors, const Tensor& x) {
  const int64_t across = std::max<int64_t>(ceil_div(x.cols, kBlockColumns), 1);
  const int64_t most = std::max<int64_t>(ceil_div(x.rows, 2 * kColumnPhases), 1);
  return std::clamp<int64_t>(int64_t{multiprocessors} * kColumnBlocks / across, 1, most);
}

void column_sums(Workspace& work, cudaStream_t stream, int multiprocessors, const Tensor& x, float* y, bool accumulate) {
  const Frame frame(work.arena());
  const Tensor partial = work.take(column_groups(multiprocessors, x), x.cols, DType::f32);
  if (!work.live()) return;
  by_type(x.dtype, [&]<class T>() {
    launch(stream, {"column_sums", {blocks_for(x.cols, kBlockColumns), static_cast<unsigned>(partial.rows)}, kColumnThreads},
           column_sums_kernel<T>, view<const T>(x), view<float>(partial), rows_aligned(x));
  });
  add_partial_sums(stream, partial, x.cols, {{y}}, accumulate);
}

void add_partial_sums(cudaStream_t stream, const Tensor& partial, int64_t width, const SumTargets& to, bool accumulate) {
  launch(stream, {"partial_sums", blocks_for(partial.cols, kWarp), kPhases * kWarp}, partial_sums_kernel,
         view<const float>(partial), width, to, accumulate);
}

}  // namespace cw
