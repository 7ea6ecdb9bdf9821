// sequence_mean and sequence_mean_grad: a thread a run of columns of one sequence.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void mean_kernel(View<const T> x, const int32_t* offsets, int64_t skip, View<T> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t s = runs.row(i), c = runs.col(i), first = offsets[s] + skip, end = offsets[s + 1];
    float sum[kRun] = {}, v[kRun];
    for (int64_t t = first; t < end; ++t) {
      load_run(x.row(t) + c, x.cols - c, aligned, v);
#pragma unroll
      for (int k = 0; k < kRun; ++k) sum[k] += v[k];
    }
    const float share = end > first ? 1.0f / static_cast<float>(end - first) : 0.0f;
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum[k] *= share;
    store_run(y.row(s) + c, y.cols - c, aligned, sum);
  }
}

/// Filler rows are one sequence more, whose gradient is zero.
template <class T>
__global__ void mean_grad_kernel(View<const T> dy, const int32_t* offsets, int64_t skip, View<T> dx, bool aligned) {
  const Runs runs{dy.rows + 1, dx.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t s = runs.row(i), c = runs.col(i), begin = offsets[s];
    const int64_t end = s < dy.rows ? offsets[s + 1] : dx.rows, counted = begin + skip;
    const int64_t first = s < dy.rows ? (counted < end ? counted : end) : begin;
    float v[kRun] = {};
    for (int64_t t = begin; t < first; ++t) store_run(dx.row(t) + c, dx.cols - c, aligned, v);
    if (s < dy.rows && end > first) {
      load_run(dy.row(s) + c, dy.cols - c, aligned, v);
      const float share = 1.0f / static_cast<float>(end - first);
#pragma unroll
      for (int k = 0; k < kRun; ++k) v[k] *= share;
    }
    for (int64_t t = first; t < end; ++t) store_run(dx.row(t) + c, dx.cols - c, aligned, v);
  }
}

unsigned grid_of(int64_t rows, int64_t cols) { return blocks_for(Runs{rows, cols}.count(), kThreads); }

}  // namespace

void CudaBackend::execute(const SequenceMean& op) {
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream(), {"sequence_mean", grid_of(op.y.rows, op.y.cols), kThreads}, mean_kernel<T>, view<const T>(op.x),
           op.sequences.offsets.as<int32_t>(), op.skip, view<T>(op.y), rows_aligned(op.x) && rows_aligned(op.y));
  });
}

void CudaBackend::execute(const SequenceMeanGrad& op) {
  by_type(op.dx.dtype, [&]<class T>() {
    launch(stream(), {"sequence_mean_grad", grid_of(op.dy.rows + 1, op.dx.cols), kThreads}, mean_grad_kernel<T>,
           view<const T>(op.dy), op.sequences.offsets.as<int32_t>(), op.skip, view<T>(op.dx),
           rows_aligned(op.dy) && rows_aligned(op.dx));
  });
}

}  // namespace cw
