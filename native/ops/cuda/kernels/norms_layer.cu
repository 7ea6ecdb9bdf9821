// layer_norm and layer_norm_grad. Statistics are f32, the variance in a second pass over what the first one loaded: in one
// pass, rows far from zero would lose it.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

// ---- forward -------------------------------------------------------------------------------------------------------

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

/// Writes (v - mean)·rstd·gamma + beta at column c.
template <class T>
__device__ void store_normed(float (&v)[kRun], float mean, float rstd, const float* gamma, const float* beta, T* y, int64_t c,
                             int64_t count, bool aligned) {
  float g[kRun], b[kRun];
  load_run(gamma + c, count, aligned, g);
  load_run(beta + c, count, aligned, b);
#pragma unroll
  for (int k = 0; k < kRun; ++k) v[k] = fmaf((v[k] - mean) * rstd, g[k], b[k]);
  store_run(y + c, count, aligned, v);
}

/// A warp a row, which it holds in registers.
template <class T>
__global__ void layer_norm_warp_kernel(View<const T> x, const float* gamma, const float* beta, View<T> y, Statistics statistics,
                                       float eps, bool aligned) {
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
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    const int64_t c = first + h * kWarp * kRun;
    store_normed(v[h], mean, rstd, gamma, beta, y.row(row), c, x.cols - c, aligned);
  }
  if (threadIdx.x % kWarp == 0) statistics.put(row, mean, rstd);
}

/// A block a row, which it reads from the cache again.
template <class T>
__global__ void layer_norm_block_kernel(View<const T> x, const float* gamma, const float* beta, View<T> y, Statistics statistics,
                                        float eps, bool aligned) {
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
  for (int64_t c = first; c < x.cols; c += kThreads * kRun) {
    load_run(x.row(row) + c, x.cols - c, aligned, v);
    store_normed(v, mean, rstd, gamma, beta, y.row(row), c, x.cols - c, aligned);
  }
  if (threadIdx.x == 0) statistics.put(row, mean, rstd);
}

// ---- backward ------------------------------------------------------------------------------------------------------
//
// With x̂ = (x - mean)·rstd and g = dy·gamma: dx = rstd·(g - Σg/D - x̂·Σ(g·x̂)/D) + residual, dgamma = Σ dy·x̂ and
// dbeta = Σ dy over the rows. A block takes rows in turn, so that dgamma and dbeta are summed on the way: each block leaves
// one row of partial sums, [blocks, 2D], and another kernel adds those.

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
  View<float> partial;  // empty: not wanted
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
  float gamma[kRun], dgamma[kRun] = {}, dbeta[kRun] = {};
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
      for (int k = 0; k < kRun; ++k)
        dx[k] += rstd[r] * (dy[r][k] - sum[2 * r] * per_column - normed[r][k] * (sum[2 * r + 1] * per_column));
      store_run(op.dx.row(row) + c, count, op.aligned, dx);
    }
  }
  if (!op.partial.data) return;
  store_run(op.partial.row(blockIdx.x) + c, left, op.aligned, dgamma);
  store_run(op.partial.row(blockIdx.x) + op.x.cols + c, left, op.aligned, dbeta);
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
      float* const partial = op.partial.data ? op.partial.row(blockIdx.x) + c : nullptr;
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
      for (int k = 0; k < kRun; ++k) dx[k] += rstd * (dy[k] * gamma[k] - sum - (x[k] - mean) * rstd * dot);
      store_run(op.dx.row(row) + c, cols - c, op.aligned, dx);
    }
  }
}

constexpr int kPhases = 16;  // rows of partial sums that a block adds at a time

/// Sums the columns of partial [blocks, 2D] into dgamma and dbeta. A block takes a warp's width of columns.
__global__ void parameter_grad_kernel(View<const float> partial, float* dgamma, float* dbeta, bool accumulate) {
  CW_SHARED(float, sums, [kPhases][kWarp]);
  const int lane = threadIdx.x % kWarp, phase = threadIdx.x / kWarp;
  const int64_t col = static_cast<int64_t>(blockIdx.x) * kWarp + lane, width = partial.cols / 2;
  float sum = 0;
  if (col < partial.cols)
    for (int64_t r = phase; r < partial.rows; r += kPhases) sum += partial.row(r)[col];
  sums[phase][lane] = sum;
  __syncthreads();
  if (phase > 0 || col >= partial.cols) return;
#pragma unroll
  for (int p = 1; p < kPhases; ++p) sum += sums[p][lane];
  float* const to = col < width ? dgamma + col : dbeta + (col - width);
  *to = accumulate ? *to + sum : sum;
}

void backward(Workspace& work, cudaStream_t stream, int multiprocessors, const LayerNormGrad& op) {
  const int64_t rows = op.x.rows, cols = op.x.cols;
  const bool owned = cols <= kOwnedWidth;
  const int threads = owned ? static_cast<int>(ceil_div(ceil_div(cols, kRun), kWarp)) * kWarp : kMostThreads;
  // As many blocks as are sure to run at once: each then leaves its partial sums once.
  const unsigned blocks = blocks_for(rows, owned ? kRows : 1, int64_t{multiprocessors} * (kMostThreads / threads));
  const Tensor partial = op.dgamma ? work.take(blocks, 2 * cols, DType::f32) : Tensor{};
  if (!work.live()) return;
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = cols % Pack<float>::size == 0;  // of dbeta's half of the partial sums
    for (const Tensor* t : {&op.x, &op.dy, &op.residual, &op.dx, &op.gamma, &partial}) aligned = aligned && rows_aligned(*t);
    const Backward<T> arguments{.x = view<const T>(op.x),
                                .dy = view<const T>(op.dy),
                                .residual = view<const T>(op.residual),
                                .gamma = op.gamma.as<float>(),
                                .mean = op.mean.as<float>(),
                                .rstd = op.rstd.as<float>(),
                                .dx = view<T>(op.dx),
                                .partial = view<float>(partial),
                                .aligned = aligned};
    launch(stream, {"layer_norm_grad", blocks, static_cast<unsigned>(threads)},
           owned ? layer_norm_grad_kernel<T> : layer_norm_grad_wide_kernel<T>, arguments);
  });
  if (op.dgamma)
    launch(stream, {"parameter_grad", blocks_for(2 * cols, kWarp), kPhases * kWarp}, parameter_grad_kernel,
           view<const float>(partial), op.dgamma.as<float>(), op.dbeta.as<float>(), op.accumulate);
}

}  // namespace

void CudaBackend::execute(const LayerNorm& op) {
  by_type(op.x.dtype, [&]<class T>() {
    const bool by_warp = op.x.cols <= kWarpWidth;
    const bool aligned = rows_aligned(op.x) && rows_aligned(op.y) && rows_aligned(op.gamma) && rows_aligned(op.beta);
    launch(stream(), {"layer_norm", blocks_for(op.x.rows, by_warp ? kThreads / kWarp : 1), kThreads},
           by_warp ? layer_norm_warp_kernel<T> : layer_norm_block_kernel<T>, view<const T>(op.x), op.gamma.as<float>(),
           op.beta.as<float>(), view<T>(op.y), Statistics{op.mean.as<float>(), op.rstd.as<float>()}, op.eps, aligned);
  });
}

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
