// swiglu and swiglu_grad: every element by itself.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <class T>
__global__ void swiglu_kernel(View<const T> gate, View<const T> x, View<T> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i), left = y.cols - c;
    float g[kRun], v[kRun];
    load_run(gate.row(r) + c, left, aligned, g);
    load_run(x.row(r) + c, left, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] *= g[k] * sigmoid(g[k]);
    store_run(y.row(r) + c, left, aligned, v);
  }
}

template <class T>
__global__ void swiglu_grad_kernel(View<const T> gate, View<const T> x, View<const T> dy, View<T> dgate, View<T> dx,
                                   bool aligned) {
  const Runs runs{dx.rows, dx.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i), left = dx.cols - c;
    float g[kRun], v[kRun], d[kRun];
    load_run(gate.row(r) + c, left, aligned, g);
    load_run(x.row(r) + c, left, aligned, v);
    load_run(dy.row(r) + c, left, aligned, d);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      // 1 - s is sigmoid(-g): as a difference it would lose its digits where s is near 1.
      const float s = sigmoid(g[k]);
      v[k] = d[k] * v[k] * s * fmaf(g[k], sigmoid(-g[k]), 1.0f);
      d[k] *= g[k] * s;
    }
    store_run(dgate.row(r) + c, left, aligned, v);
    store_run(dx.row(r) + c, left, aligned, d);
  }
}

}  // namespace

void CudaBackend::execute(const Swiglu& op) {
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = true;
    for (const Tensor* t : {&op.gate, &op.x, &op.y}) aligned = aligned && rows_aligned(*t);
    launch(stream(), {"swiglu", blocks_for(Runs{op.y.rows, op.y.cols}.count(), kThreads), kThreads}, swiglu_kernel<T>,
           view<const T>(op.gate), view<const T>(op.x), view<T>(op.y), aligned);
  });
}

void CudaBackend::execute(const SwigluGrad& op) {
  by_type(op.x.dtype, [&]<class T>() {
    bool aligned = true;
    for (const Tensor* t : {&op.gate, &op.x, &op.dy, &op.dgate, &op.dx}) aligned = aligned && rows_aligned(*t);
    launch(stream(), {"swiglu_grad", blocks_for(Runs{op.dx.rows, op.dx.cols}.count(), kThreads), kThreads}, swiglu_grad_kernel<T>,
           view<const T>(op.gate), view<const T>(op.x), view<const T>(op.dy), view<T>(op.dgate), view<T>(op.dx), aligned);
  });
}

}  // namespace cw
