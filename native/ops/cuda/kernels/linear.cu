// linear and linear_input_grad: a cuBLASLt product with its bias epilogue; what epilogues cannot do (activations, which
// are not all tanh forms, with `pre` kept, and a residual after them) in one pass over the result.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/activation.cuh"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

constexpr int kLanes = 32;  // runs of columns that a block takes side by side
constexpr int kPhases = 8;  // and rows
constexpr int kThreads = kLanes * kPhases;
constexpr int64_t kMostGroups = 65535;  // of rows, in a grid's y

/// Rows that a thread has in flight: 32 bytes of each matrix.
template <class T>
constexpr int kAtOnce = sizeof(T) == 2 ? 2 : 1;
template <class T>
constexpr int kBlockRows = kPhases * kAtOnce<T>;

/// y = act(pre) + residual; residual may be empty, or y. Grid: columns, groups of rows.
template <Act act, class X, class Y>
__global__ void __launch_bounds__(kThreads) activation_kernel(View<const X> pre, View<const Y> residual, View<Y> y, bool aligned) {
  const int64_t c = (static_cast<int64_t>(blockIdx.x) * kLanes + threadIdx.x % kLanes) * kRun, left = y.cols - c;
  if (left <= 0) return;
  for (int64_t first = static_cast<int64_t>(blockIdx.y) * kBlockRows<X> + threadIdx.x / kLanes; first < y.rows;
       first += static_cast<int64_t>(gridDim.y) * kBlockRows<X>) {
    float v[kAtOnce<X>][kRun];
#pragma unroll
    for (int i = 0; i < kAtOnce<X>; ++i) {
      const int64_t r = first + i * kPhases;
      load_run(pre.row(r) + c, r < y.rows ? left : 0, aligned, v[i]);
    }
#pragma unroll
    for (int i = 0; i < kAtOnce<X>; ++i) {
      const int64_t r = first + i * kPhases, count = r < y.rows ? left : 0;
#pragma unroll
      for (int k = 0; k < kRun; ++k) v[i][k] = activate<act, X>(v[i][k]);
      if (residual.data) {
        float add[kRun];
        load_run(residual.row(r) + c, count, aligned, add);
#pragma unroll
        for (int k = 0; k < kRun; ++k) v[i][k] += add[k];
      }
      store_run(y.row(r) + c, count, aligned, v[i]);
    }
  }
}

/// dx *= act'(pre). Grid as activation_kernel's.
template <Act act, class T>
__global__ void __launch_bounds__(kThreads) activation_grad_kernel(View<const T> pre, View<T> dx, bool aligned) {
  const int64_t c = (static_cast<int64_t>(blockIdx.x) * kLanes + threadIdx.x % kLanes) * kRun, left = dx.cols - c;
  if (left <= 0) return;
  for (int64_t first = static_cast<int64_t>(blockIdx.y) * kBlockRows<T> + threadIdx.x / kLanes; first < dx.rows;
       first += static_cast<int64_t>(gridDim.y) * kBlockRows<T>) {
    float v[kAtOnce<T>][kRun], d[kAtOnce<T>][kRun];
#pragma unroll
    for (int i = 0; i < kAtOnce<T>; ++i) {
      const int64_t r = first + i * kPhases, count = r < dx.rows ? left : 0;
      load_run(pre.row(r) + c, count, aligned, v[i]);
      load_run(dx.row(r) + c, count, aligned, d[i]);
    }
#pragma unroll
    for (int i = 0; i < kAtOnce<T>; ++i) {
      const int64_t r = first + i * kPhases;
#pragma unroll
      for (int k = 0; k < kRun; ++k) d[i][k] *= activation_slope<act, T>(v[i][k]);
      store_run(dx.row(r) + c, r < dx.rows ? left : 0, aligned, d[i]);
    }
  }
}

template <class T>
dim3 grid_of(const Tensor& t) {
  return {blocks_for(t.cols, kLanes * kRun), blocks_for(t.rows, kBlockRows<T>, kMostGroups)};
}

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
  const bool aligned = rows_aligned(pre) && rows_aligned(op.y) && (!op.residual || rows_aligned(op.residual));
  by_act(op.act, [&]<Act act>() {
    by_type(pre.dtype, [&]<class X>() {
      const auto put = [&]<class Y>(void (*kernel)(View<const X>, View<const Y>, View<Y>, bool)) {
        launch(stream, {"activation", grid_of<X>(pre), kThreads}, kernel, view<const X>(pre), view<const Y>(op.residual), view<Y>(op.y), aligned);
      };
      op.y.dtype == pre.dtype ? put(activation_kernel<act, X, X>) : put(activation_kernel<act, X, float>);
    });
  });
}

void input_grad(Products& products, Workspace& work, cudaStream_t stream, const LinearInputGrad& op) {
  products.multiply(work, stream, {.a = {op.dy}, .b = backward_side(op.w), .add = op.residual, .c = op.dx});
  if (!work.live() || op.act == Act::none) return;
  by_act(op.act, [&]<Act act>() {
    by_type(op.dx.dtype, [&]<class T>() {
      launch(stream, {"activation_grad", grid_of<T>(op.dx), kThreads}, activation_grad_kernel<act, T>, view<const T>(op.pre),
             view<T>(op.dx), rows_aligned(op.pre) && rows_aligned(op.dx));
    });
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
