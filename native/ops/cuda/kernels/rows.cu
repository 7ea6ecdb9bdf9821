// gather_rows and scatter_add_rows: rows picked by index, added by index.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void gather_kernel(View<const T> x, const int32_t* rows, View<T> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun];
    load_run(x.row(rows[r]) + c, x.cols - c, aligned, v);
    store_run(y.row(r) + c, y.cols - c, aligned, v);
  }
}

template <class T>
__global__ void scatter_add_kernel(View<const T> x, const int32_t* rows, View<T> y, bool aligned) {
  const Runs runs{x.rows, x.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun], sum[kRun];
    load_run(x.row(r) + c, x.cols - c, aligned, v);
    T* to = y.row(rows[r]) + c;
    load_run(to, y.cols - c, aligned, sum);
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum[k] += v[k];
    store_run(to, y.cols - c, aligned, sum);
  }
}

unsigned grid_of(const Tensor& t) { return blocks_for(Runs{t.rows, t.cols}.count(), kThreads); }

}  // namespace

void CudaBackend::execute(const GatherRows& op) {
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream(), {"gather_rows", grid_of(op.y), kThreads}, gather_kernel<T>, view<const T>(op.x), op.rows.as<int32_t>(),
           view<T>(op.y), rows_aligned(op.x) && rows_aligned(op.y));
  });
}

void CudaBackend::execute(const ScatterAddRows& op) {
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream(), {"scatter_add_rows", grid_of(op.x), kThreads}, scatter_add_kernel<T>, view<const T>(op.x),
           op.rows.as<int32_t>(), view<T>(op.y), rows_aligned(op.x) && rows_aligned(op.y));
  });
}

}  // namespace cw
