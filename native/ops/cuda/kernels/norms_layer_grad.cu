// layer_norm_grad.
//
// With x̂ = (x - mean)·rstd and g = dy·gamma: dx = rstd·(g - Σg/D - x̂·Σ(g·x̂)/D) + residual, dgamma = Σ dy·x̂ and
// dbeta = Σ dy over the rows. A block takes rows in turn, so that dgamma, dbeta and dx are summed on the way: each block
// leaves one row of partial sums, [blocks, D for each], and another kernel adds those.
#include "ops/cuda/backend.h"
#include "ops/cuda/column_sums.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kMostThreads = 512;
constexpr int64_t kOwnedWidth = kMostThreads * kRun;  // up to here each thread owns one run of columns
constexpr int kRows = 2;                              // that a block has in flight
constexpr int kSums = 2 * kRows;

/// Everything a block needs of the op.
template <class T>
struct Backward {
  View<const T> x, dy, residual;  // residual may be empty
  const float *gamma, *mean, *rstd;
  View<T> dx;
  View<float> parameters;  // partial sums of dgamma and dbeta; empty: not wanted
  View<float> dx_sum;      // and of dx
  bool aligned;
};

/// Sums each of v over the block. One barrier a call: calls in turn use `shared` of different parity.
__device__ inline void sum_over_block(float (&v)[kSums], float (&shared)[kMostThreads / kWarp][kSums]) {
  const int warps = blockDim.x / kWarp;
#pragma unroll
  for (float& sum : v) sum = reduce_warp(sum);
  if (threadIdx.x % kWarp == 0)
#pragma unroll
    for (int k = 0; k < kSums; ++k) shared[threadIdx.x / kWarp][k] = v[k];
  __syncthreads();
#pragma unroll
  for (int k = 0; k < kSums; ++k) v[k] = shared[0][k];
  for (int w = 1; w < warps; ++w)
#pragma unroll
    for (int k = 0; k < kSums; ++k) v[k] += shared[w][k];
}

/// Each thread owns the columns of one run, for which it holds gamma, dgamma and dbeta.
template <class T>
__global__ void __launch_bounds__(kMostThreads) layer_norm_grad_kernel(Backward<T> op) {
  CW_SHARED(float, sums, [2][kMostThreads / kWarp][kSums]);
  const int64_t c = static_cast<int64_t>(threadIdx.x) * kRun, left = op.x.cols - c;
  const float per_column = 1.0f / static_cast<float>(op.x.cols);
  float gamma[kRun], dgamma[kRun] = {}, dbeta[kRun] = {}, dx_sum[kRun] = {};
  load_run(op.gamma + c, left, op.aligned, gamma);
  int parity = 0;
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * kRows; first < op.x.rows; first += static_cast<int64_t>(gridDim.x) * kRows) {
    float normed[kRows][kRun], dy[kRows][kRun], rstd[kRows], sum[kSums] = {};
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + r, count = row < op.x.rows ? left : 0;  // zeros where there is none
      load_run(op.x.row(row) + c, count, op.aligned, normed[r]);
      load_run(op.dy.row(row) + c, count, op.aligned, dy[r]);
      const float mean = row < op.x.rows ? op.mean[row] : 0.0f;
      rstd[r] = row < op.x.rows ? op.rstd[row] : 0.0f;
#pragma unroll
      for (int k = 0; k < kRun; ++k) normed[r][k] = (normed[r][k] - mean) * rstd[r];
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r)
#pragma unroll
      for (int k = 0; k < kRun; ++k) {
        dgamma[k] = fmaf(dy[r][k], normed[r][k], dgamma[k]);
        dbeta[k] += dy[r][k];
        dy[r][k] *= gamma[k];
        sum[2 * r] += dy[r][k];
        sum[2 * r + 1] = fmaf(dy[r][k], normed[r][k], sum[2 * r + 1]);
      }
    sum_over_block(sum, sums[parity]);
    parity ^= 1;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + r, count = row < op.x.rows ? left : 0;
      float dx[kRun] = {};
      if (op.residual.data) load_run(op.residual.row(row) + c, count, op.aligned, dx);
#pragma unroll
      for (int k = 0; k < kRun; ++k) {
        dx[k] += rstd[r] * (dy[r][k] - sum[2 * r] * per_column - normed[r][k] * (sum[2 * r + 1] * per_column));
        dx[k] = as_stored<T>(dx[k]);
        dx_sum[k] += dx[k];
      }
      store_run(op.dx.row(row) + c, count, op.aligned, dx);
    }
  }
  if (op.dx_sum.data) store_run(op.dx_sum.row(blockIdx.x) + c, left, op.aligned, dx_sum);
  if (!op.parameters.data) return;
  store_run(op.parameters.row(blockIdx.x) + c, left, op.aligned, dgamma);
  store_run(op.parameters.row(blockIdx.x) + op.x.cols + c, left, op.aligned, dbeta);
}

/// For rows of any width: the block's partial sums lie in memory, and x and dy are read from the cache again.
template <class T>
__global__ void __launch_bounds__(kMostThreads) layer_norm_grad_wide_kernel(Backward<T> op) {
  const int64_t cols = op.x.cols, start = static_cast<int64_t>(threadIdx.x) * kRun, step = static_cast<int64_t>(blockDim.x) * kRun;
  float x[kRun], dy[kRun], gamma[kRun];
  for (int64_t row = blockIdx.x; row < op.x.rows; row += gridDim.x) {
    const float mean = op.mean[row], rstd = op.rstd[row];
    float sum = 0, dot = 0;
    for (int64_t c = start; c < cols; c += step) {
      load_run(op.x.row(row) + c, cols - c, op.aligned, x);
      load_run(op.dy.row(row) + c, cols - c, op.aligned, dy);
      load_run(op.gamma + c, cols - c, op.aligned, gamma);
      float dgamma[kRun] = {}, dbeta[kRun] = {};
      float* const partial = op.parameters.data ? op.parameters.row(blockIdx.x) + c : nullptr;
      if (partial && row != blockIdx.x) {
        load_run(partial, cols - c, op.aligned, dgamma);
        load_run(partial + cols, cols - c, op.aligned, dbeta);
      }
#pragma unroll
      for (int k = 0; k < kRun; ++k) {
        const float normed = (x[k] - mean) * rstd;
        dgamma[k] = fmaf(dy[k], normed, dgamma[k]);
        dbeta[k] += dy[k];
        sum = fmaf(dy[k], gamma[k], sum);
        dot = fmaf(dy[k] * gamma[k], normed, dot);
      }
      if (!partial) continue;
      store_run(partial, cols - c, op.aligned, dgamma);
      store_run(partial + cols, cols - c, op.aligned, dbeta);
    }
    sum = reduce_block(sum) / static_cast<float>(cols);
    dot = reduce_block(dot) / static_cast<float>(cols);
    for (int64_t c = start; c < cols; c += step) {
      load_run(op.x.row(row) + c, cols - c, op.aligned, x);
      load_run(op.dy.row(row) + c, cols - c, op.aligned, dy);
      load_run(op.gamma + c, cols - c, op.aligned, gamma);
      float dx[kRun] = {};
      if (op.residual.data) load_run(op.residual.row(row) + c, cols - c, op.aligned, dx);
#pragma unroll
      for (int k = 0; k < kRun; ++k)
        dx[k] = as_stored<T>(dx[k] + rstd * (dy[k] * gamma[k] - sum - (x[k] - mean) * rstd * dot));
      store_run(op.dx.row(row) + c, cols - c, op.aligned, dx);
      if (!op.dx_sum.data) continue;
      float* const partial = op.dx_sum.row(blockIdx.x) + c;
      float before[kRun] = {};
      if (row != blockIdx.x) load_run(partial, cols - c, op.aligned, before);
#pragma unroll
      for (int k = 0; k < kRun; ++k) dx[k] += before[k];
      store_run(partial, cols - c, op.aligned, dx);
    }
  }
}

void backward(Workspace& work, cudaStream_t stream, int multiprocessors, const LayerNormGrad& op) {
  const int64_t rows = op.x.rows, cols = op.x.cols;
  const bool owned = cols <= kOwnedWidth;
  const int threads = owned ? static_cast<int>(ceil_div(ceil_div(cols, kRun), kWarp)) * kWarp : kMostThreads;
  // As many blocks as are sure to run at once: each then leaves its partial sums once.
  const unsigned blocks = blocks_for(rows, owned ? kRows : 1, int64_t{multiprocessors} * (kMostThreads / threads));
  const int64_t parameters = op.dgamma ? 2 : 0, sums = parameters + (op.dx_sum ? 1 : 0);
  const Tensor partial = sums ? work.take(blocks, sums * cols, DType::f32) : Tensor{};
  if (!work.live()) return;
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = cols % Pack<float>::size == 0;  // of the parts of the partial sums
    for (const Tensor* t : {&op.x, &op.dy, &op.residual, &op.dx, &op.gamma, &partial}) aligned = aligned && rows_aligned(*t);
    const Backward<T> arguments{.x = view<const T>(op.x),
                                .dy = view<const T>(op.dy),
                                .residual = view<const T>(op.residual),
                                .gamma = op.gamma.as<float>(),
                                .mean = op.mean.as<float>(),
                                .rstd = op.rstd.as<float>(),
                                .dx = view<T>(op.dx),
                                .parameters = view<float>(op.dgamma ? partial.col_range(0, 2 * cols) : Tensor{}),
                                .dx_sum = view<float>(op.dx_sum ? partial.col_range(parameters * cols, cols) : Tensor{}),
                                .aligned = aligned};
    launch(stream, {"layer_norm_grad", blocks, static_cast<unsigned>(threads)},
           owned ? layer_norm_grad_kernel<T> : layer_norm_grad_wide_kernel<T>, arguments);
  });
  SumTargets to{{op.dgamma.as<float>(), op.dbeta.as<float>()}};
  to.part[parameters] = op.dx_sum.as<float>();
  if (partial) add_partial_sums(stream, partial, cols, to, op.accumulate);
}

}  // namespace

void CudaBackend::execute(const LayerNormGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const LayerNormGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
