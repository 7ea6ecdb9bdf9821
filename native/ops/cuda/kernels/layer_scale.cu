// layer_scale and layer_scale_grad. The gradient's threads hold the sums of their columns over the rows that they take: each
// block leaves one row of partial sums, [groups of rows, D for each], and another kernel adds those.
#include "ops/cuda/backend.h"
#include "ops/cuda/column_sums.h"
#include "ops/cuda/device/columns.cuh"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void layer_scale_kernel(View<const T> x, View<const T> residual, const float* gamma, View<T> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i), left = y.cols - c;
    float v[kRun], g[kRun], sum[kRun];
    load_run(x.row(r) + c, left, aligned, v);
    load_run(gamma + c, left, aligned, g);
    load_run(residual.row(r) + c, left, aligned, sum);
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum[k] = fmaf(v[k], g[k], sum[k]);
    store_run(y.row(r) + c, left, aligned, sum);
  }
}

/// dgamma and dx_sum: partial sums, empty where they are not wanted.
template <class T>
__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    layer_scale_grad_kernel(View<const T> x, View<const T> dy, const float* gamma, View<T> dx, View<float> dgamma,
                            View<float> dx_sum, bool aligned) {
  constexpr int kRows = kRowsAtOnce<T>;
  const int64_t c = column_of_thread(), left = x.cols - c;
  float g[kRun], dgammas[kRun] = {}, sums[kRun] = {};
  load_run(gamma + c, left, aligned, g);
  for (int64_t first = first_row<kRows>(); first < x.rows && left > 0; first += row_step<kRows>()) {
    float v[kRows][kRun], d[kRows][kRun];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases, count = r < x.rows ? left : 0;
      load_run(x.row(r) + c, count, aligned, v[i]);
      load_run(dy.row(r) + c, count, aligned, d[i]);
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases;
#pragma unroll
      for (int k = 0; k < kRun; ++k) {
        dgammas[k] = fmaf(d[i][k], v[i][k], dgammas[k]);
        d[i][k] = as_stored<T>(d[i][k] * g[k]);
        sums[k] += d[i][k];
      }
      store_run(dx.row(r) + c, r < x.rows ? left : 0, aligned, d[i]);
    }
  }
  if (dgamma.data) store_column_sums(dgammas, dgamma);
  __syncthreads();  // both use the same shared memory
  if (dx_sum.data) store_column_sums(sums, dx_sum);
}

void backward(Workspace& work, cudaStream_t stream, int multiprocessors, const LayerScaleGrad& op) {
  const int64_t cols = op.x.cols, groups = column_groups(multiprocessors, op.x);
  const int64_t gammas = op.dgamma ? 1 : 0, sums = gammas + (op.dx_sum ? 1 : 0);
  const Tensor partial = sums ? work.take(groups, sums * cols, DType::f32) : Tensor{};
  if (!work.live()) return;
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = true;
    for (const Tensor* t : {&op.x, &op.dy, &op.dx, &op.gamma}) aligned = aligned && rows_aligned(*t);
    launch(stream, {"layer_scale_grad", {blocks_for(cols, kBlockColumns), static_cast<unsigned>(groups)}, kColumnThreads},
           layer_scale_grad_kernel<T>, view<const T>(op.x), view<const T>(op.dy), op.gamma.as<float>(), view<T>(op.dx),
           view<float>(op.dgamma ? partial.col_range(0, cols) : Tensor{}),
           view<float>(op.dx_sum ? partial.col_range(gammas * cols, cols) : Tensor{}), aligned);
  });
  SumTargets to{{op.dgamma.as<float>()}};
  to.part[gammas] = op.dx_sum.as<float>();
  if (partial) add_partial_sums(stream, partial, cols, to, op.accumulate);
}

}  // namespace

void CudaBackend::execute(const LayerScale& op) {
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = true;
    for (const Tensor* t : {&op.x, &op.residual, &op.gamma, &op.y}) aligned = aligned && rows_aligned(*t);
    launch(stream(), {"layer_scale", blocks_for(Runs{op.y.rows, op.y.cols}.count(), kThreads), kThreads}, layer_scale_kernel<T>,
           view<const T>(op.x), view<const T>(op.residual), op.gamma.as<float>(), view<T>(op.y), aligned);
  });
}

void CudaBackend::execute(const LayerScaleGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const LayerScaleGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
