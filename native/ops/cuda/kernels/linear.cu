// linear and linear_input_grad: a cuBLASLt product with its bias epilogue; what epilogues cannot do (activations, which
// are not all tanh forms, with `pre` kept, and a residual after them) in one pass over the result.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/activation.cuh"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// y = act(pre) + residual; residual may be empty, or y.
template <class X, class Y>
__global__ void activation_kernel(Act act, View<const X> pre, View<const Y> residual, View<Y> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun], add[kRun] = {};
    load_run(pre.row(r) + c, y.cols - c, aligned, v);
    if (residual.data) load_run(residual.row(r) + c, y.cols - c, aligned, add);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] = activate(act, v[k]) + add[k];
    store_run(y.row(r) + c, y.cols - c, aligned, v);
  }
}

/// dx *= act'(pre)
template <class T>
__global__ void activation_grad_kernel(Act act, View<const T> pre, View<T> dx, bool aligned) {
  const Runs runs{dx.rows, dx.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun], d[kRun];
    load_run(pre.row(r) + c, dx.cols - c, aligned, v);
    load_run(dx.row(r) + c, dx.cols - c, aligned, d);
#pragma unroll
    for (int k = 0; k < kRun; ++k) d[k] *= activation_slope(act, v[k]);
    store_run(dx.row(r) + c, dx.cols - c, aligned, d);
  }
}

unsigned grid_of(const Tensor& t) { return blocks_for(Runs{t.rows, t.cols}.count(), kThreads); }

/// The asked-for output features of a weight, as the right side of x·wᵀ: [I,O].
Operand forward_side(const WeightView& v) {
  const Tensor& w = v.weight->compute;
  return v.weight->input_major ? Operand{w} : Operand{w.row_range(v.first, v.out_features()), true};
}
/// As the right side of dy·w: [O,I].
Operand backward_side(const WeightView& v) {
  const Operand forward = forward_side(v);
  return {forward.stored, !forward.transposed};
}

void forward(Products& products, Workspace& work, cudaStream_t stream, const Linear& op) {
  const Operand x{op.x}, w = forward_side(op.w);
  if (op.act == Act::none && !op.pre)
    return products.multiply(work, stream, {.a = x, .b = w, .bias = op.b, .add = op.residual, .c = op.y});
  const Tensor pre = op.pre ? op.pre : work.take(op.y.rows, op.y.cols, op.x.dtype);
  products.multiply(work, stream, {.a = x, .b = w, .bias = op.b, .c = pre});
  if (!work.live()) return;
  by_type(pre.dtype, [&]<class X>() {
    const bool aligned = rows_aligned(pre) && rows_aligned(op.y) && (!op.residual || rows_aligned(op.residual));
    const LaunchShape shape{"activation", grid_of(op.y), kThreads};
    if (op.y.dtype == pre.dtype)
      launch(stream, shape, activation_kernel<X, X>, op.act, view<const X>(pre), view<const X>(op.residual), view<X>(op.y), aligned);
    else
      launch(stream, shape, activation_kernel<X, float>, op.act, view<const X>(pre), view<const float>(op.residual),
             view<float>(op.y), aligned);
  });
}

void input_grad(Products& products, Workspace& work, cudaStream_t stream, const LinearInputGrad& op) {
  products.multiply(work, stream, {.a = {op.dy}, .b = backward_side(op.w), .add = op.residual, .c = op.dx});
  if (!work.live() || op.act == Act::none) return;
  by_type(op.dx.dtype, [&]<class T>() {
    launch(stream, {"activation_grad", grid_of(op.dx), kThreads}, activation_grad_kernel<T>, op.act, view<const T>(op.pre),
           view<T>(op.dx), rows_aligned(op.pre) && rows_aligned(op.dx));
  });
}

}  // namespace

void CudaBackend::execute(const Linear& op) {
  Workspace work = Workspace::over(scratch_arena());
  forward(*products_, work, stream(), op);
}
size_t CudaBackend::scratch(const Linear& op) const {
  Workspace work = Workspace::measuring();
  forward(*products_, work, stream(), op);
  return work.peak();
}

void CudaBackend::execute(const LinearInputGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  input_grad(*products_, work, stream(), op);
}
size_t CudaBackend::scratch(const LinearInputGrad& op) const {
  Workspace work = Workspace::measuring();
  input_grad(*products_, work, stream(), op);
  return work.peak();
}

}  // namespace cw
