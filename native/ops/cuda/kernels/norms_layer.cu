// layer_norm. Statistics are f32, the variance in a second pass over what the first one loaded: in one pass, rows far from
// zero would lose it.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;
constexpr int kHeld = 5;                              // runs of a row that a lane keeps in registers
constexpr int64_t kWarpWidth = kHeld * kWarp * kRun;  // wider rows take a block each

struct Statistics {
  float *mean, *rstd;  // null: not wanted

  __device__ void put(int64_t row, float m, float s) const {
    if (!mean) return;
    mean[row] = m;
    rstd[row] = s;
  }
};

__device__ inline float sum_of(const float (&v)[kRun]) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kRun; ++k) sum += v[k];
  return sum;
}

/// Σ (v - mean)² over the first `count` of a run.
__device__ inline float squares_of(const float (&v)[kRun], int64_t count, float mean) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kRun; ++k)
    if (k < count) sum = fmaf(v[k] - mean, v[k] - mean, sum);
  return sum;
}

/// Writes (v - mean)·rstd·gamma + beta + residual at column c. residual: a row, or null.
template <class T>
__device__ void store_normed(float (&v)[kRun], float mean, float rstd, const float* gamma, const float* beta,
                             const T* residual, T* y, int64_t c, int64_t count, bool aligned) {
  float g[kRun], b[kRun];
  load_run(gamma + c, count, aligned, g);
  load_run(beta + c, count, aligned, b);
#pragma unroll
  for (int k = 0; k < kRun; ++k) v[k] = fmaf((v[k] - mean) * rstd, g[k], b[k]);
  if (residual) {
    load_run(residual + c, count, aligned, b);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] += b[k];
  }
  store_run(y + c, count, aligned, v);
}

/// A warp a row, which it holds in registers.
template <class T>
__global__ void layer_norm_warp_kernel(View<const T> x, const float* gamma, const float* beta, View<const T> residual,
                                       View<T> y, Statistics statistics, float eps, bool aligned) {
  const int64_t row = first_thread() / kWarp;
  if (row >= x.rows) return;
  const int64_t first = static_cast<int64_t>(threadIdx.x % kWarp) * kRun;
  float v[kHeld][kRun], sum = 0, squares = 0;
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    const int64_t c = first + h * kWarp * kRun;
    load_run(x.row(row) + c, x.cols - c, aligned, v[h]);
    sum += sum_of(v[h]);
  }
  const float mean = reduce_warp(sum) / static_cast<float>(x.cols);
#pragma unroll
  for (int h = 0; h < kHeld; ++h) squares += squares_of(v[h], x.cols - first - h * kWarp * kRun, mean);
  const float rstd = 1.0f / sqrtf(reduce_warp(squares) / static_cast<float>(x.cols) + eps);
  const T* const residual_row = residual.data ? residual.row(row) : nullptr;
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    const int64_t c = first + h * kWarp * kRun;
    store_normed(v[h], mean, rstd, gamma, beta, residual_row, y.row(row), c, x.cols - c, aligned);
  }
  if (threadIdx.x % kWarp == 0) statistics.put(row, mean, rstd);
}

/// A block a row, which it reads from the cache again.
template <class T>
__global__ void layer_norm_block_kernel(View<const T> x, const float* gamma, const float* beta, View<const T> residual,
                                        View<T> y, Statistics statistics, float eps, bool aligned) {
  const int64_t row = blockIdx.x, first = static_cast<int64_t>(threadIdx.x) * kRun;
  float v[kRun], sum = 0, squares = 0;
  for (int64_t c = first; c < x.cols; c += kThreads * kRun) {
    load_run(x.row(row) + c, x.cols - c, aligned, v);
    sum += sum_of(v);
  }
  const float mean = reduce_block(sum) / static_cast<float>(x.cols);
  for (int64_t c = first; c < x.cols; c += kThreads * kRun) {
    load_run(x.row(row) + c, x.cols - c, aligned, v);
    squares += squares_of(v, x.cols - c, mean);
  }
  const float rstd = 1.0f / sqrtf(reduce_block(squares) / static_cast<float>(x.cols) + eps);
  const T* const residual_row = residual.data ? residual.row(row) : nullptr;
  for (int64_t c = first; c < x.cols; c += kThreads * kRun) {
    load_run(x.row(row) + c, x.cols - c, aligned, v);
    store_normed(v, mean, rstd, gamma, beta, residual_row, y.row(row), c, x.cols - c, aligned);
  }
  if (threadIdx.x == 0) statistics.put(row, mean, rstd);
}

}  // namespace

void CudaBackend::execute(const LayerNorm& op) {
  by_type(op.x.dtype, [&]<class T>() {
    const bool by_warp = op.x.cols <= kWarpWidth;
    const bool aligned = rows_aligned(op.x) && rows_aligned(op.y) && rows_aligned(op.gamma) && rows_aligned(op.beta) &&
                         (!op.residual || rows_aligned(op.residual));
    launch(stream(), {"layer_norm", blocks_for(op.x.rows, by_warp ? kThreads / kWarp : 1), kThreads},
           by_warp ? layer_norm_warp_kernel<T> : layer_norm_block_kernel<T>, view<const T>(op.x), op.gamma.as<float>(),
           op.beta.as<float>(), view<const T>(op.residual), view<T>(op.y),
           Statistics{op.mean.as<float>(), op.rstd.as<float>()}, op.eps, aligned);
  });
}

}  // namespace cw
