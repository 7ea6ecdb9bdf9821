// l2_normalize and l2_normalize_grad: a warp a row, which it reads from the cache again. y may be x, dx may be dy: each
// lane writes what it alone has read.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;
constexpr int kStep = kWarp * kRun;  // columns that a warp takes at a time

/// Σ a·b over a row; every lane gets it.
__device__ inline float dot(const float* a, const float* b, int64_t cols, bool aligned) {
  float sum = 0;
  for (int64_t c = threadIdx.x % kWarp * kRun; c < cols; c += kStep) {
    float u[kRun], v[kRun];
    load_run(a + c, cols - c, aligned, u);
    load_run(b + c, cols - c, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum = fmaf(u[k], v[k], sum);
  }
  return reduce_warp(sum);
}

__global__ void l2_normalize_kernel(View<const float> x, View<float> y, float* inv_norm, bool aligned) {
  const int64_t row = first_thread() / kWarp;
  if (row >= x.rows) return;
  const float* from = x.row(row);
  const float norm = sqrtf(dot(from, from, x.cols, aligned));
  const float inverse = 1.0f / (norm < 1e-12f ? 1e-12f : norm);  // NaN stays NaN
  for (int64_t c = threadIdx.x % kWarp * kRun; c < x.cols; c += kStep) {
    float v[kRun];
    load_run(from + c, x.cols - c, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] *= inverse;
    store_run(y.row(row) + c, x.cols - c, aligned, v);
  }
  if (inv_norm && threadIdx.x % kWarp == 0) inv_norm[row] = inverse;
}

__global__ void l2_normalize_grad_kernel(View<const float> y, const float* inv_norm, View<const float> dy, View<float> dx,
                                         bool aligned) {
  const int64_t row = first_thread() / kWarp;
  if (row >= y.rows) return;
  const float along = dot(y.row(row), dy.row(row), y.cols, aligned), inverse = inv_norm[row];
  for (int64_t c = threadIdx.x % kWarp * kRun; c < y.cols; c += kStep) {
    float u[kRun], v[kRun];
    load_run(y.row(row) + c, y.cols - c, aligned, u);
    load_run(dy.row(row) + c, y.cols - c, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] = (v[k] - u[k] * along) * inverse;
    store_run(dx.row(row) + c, y.cols - c, aligned, v);
  }
}

unsigned grid_of(const Tensor& t) { return blocks_for(t.rows, kThreads / kWarp); }

}  // namespace

void CudaBackend::execute(const L2Normalize& op) {
  launch(stream(), {"l2_normalize", grid_of(op.x), kThreads}, l2_normalize_kernel, view<const float>(op.x), view<float>(op.y),
         op.inv_norm.as<float>(), rows_aligned(op.x) && rows_aligned(op.y));
}

void CudaBackend::execute(const L2NormalizeGrad& op) {
  launch(stream(), {"l2_normalize_grad", grid_of(op.y), kThreads}, l2_normalize_grad_kernel, view<const float>(op.y),
         op.inv_norm.as<float>(), view<const float>(op.dy), view<float>(op.dx),
         rows_aligned(op.y) && rows_aligned(op.dy) && rows_aligned(op.dx));
}

}  // namespace cw
