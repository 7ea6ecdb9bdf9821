// linear and linear_input_grad: a cuBLASLt product with its bias epilogue; what epilogues cannot do (activations, which
// are not all tanh forms, with `pre` kept, a residual after them, and the sums of what they give back) in one pass over the
// result.
#include "ops/cuda/backend.h"
#include "ops/cuda/column_sums.h"
#include "ops/cuda/device/activation.cuh"
#include "ops/cuda/device/columns.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

/// y = act(pre) + residual; residual may be empty, or y. Grid: device/columns.cuh.
template <Act act, class X, class Y>
__global__ void __launch_bounds__(kColumnThreads)
    activation_kernel(View<const X> pre, View<const Y> residual, View<Y> y, bool aligned) {
  constexpr int kRows = kRowsAtOnce<X>;
  const int64_t c = column_of_thread(), left = y.cols - c;
  for (int64_t first = first_row<kRows>(); first < y.rows && left > 0; first += row_step<kRows>()) {
    float v[kRows][kRun];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases;
      load_run(pre.row(r) + c, r < y.rows ? left : 0, aligned, v[i]);
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases, count = r < y.rows ? left : 0;
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

/// dx *= act'(pre), and partial sums of dx's columns unless partial is empty. Grid: device/columns.cuh.
template <Act act, class T>
__global__ void __launch_bounds__(kColumnThreads)
    activation_grad_kernel(View<const T> pre, View<T> dx, View<float> partial, bool aligned) {
  constexpr int kRows = kRowsAtOnce<T>;
  const int64_t c = column_of_thread(), left = dx.cols - c;
  float sum[kRun] = {};
  for (int64_t first = first_row<kRows>(); first < dx.rows && left > 0; first += row_step<kRows>()) {
    float v[kRows][kRun], d[kRows][kRun];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases, count = r < dx.rows ? left : 0;
      load_run(pre.row(r) + c, count, aligned, v[i]);
      load_run(dx.row(r) + c, count, aligned, d[i]);
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int64_t r = first + i * kColumnPhases;
#pragma unroll
      for (int k = 0; k < kRun; ++k) {
        d[i][k] = as_stored<T>(d[i][k] * activation_slope<act, T>(v[i][k]));
        sum[k] += d[i][k];
      }
      store_run(dx.row(r) + c, r < dx.rows ? left : 0, aligned, d[i]);
    }
  }
  if (partial.data) store_column_sums(sum, partial);
}

/// Each thread goes over its rows once.
template <class T>
dim3 grid_of(const Tensor& t) {
  constexpr int64_t kMost = 65535;  // in a grid's y
  return {blocks_for(t.cols, kBlockColumns), blocks_for(t.rows, kRowsAtOnce<T> * kColumnPhases, kMost)};
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

/// The bias as it is to be added to a product of this type: a copy that the parameters keep saves making one.
Tensor bias_in(DType type, const Linear& op) { return op.b_compute && op.b_compute.dtype == type ? op.b_compute : op.b; }

void activation(cudaStream_t stream, Act kind, const Tensor& pre, const Tensor& residual, const Tensor& y) {
  const bool aligned = rows_aligned(pre) && rows_aligned(y) && (!residual || rows_aligned(residual));
  by_act(kind, [&]<Act act>() {
    by_type(pre.dtype, [&]<class X>() {
      const auto put = [&]<class Y>(void (*kernel)(View<const X>, View<const Y>, View<Y>, bool)) {
        launch(stream, {"activation", grid_of<X>(pre), kColumnThreads}, kernel, view<const X>(pre), view<const Y>(residual),
               view<Y>(y), aligned);
      };
      y.dtype == pre.dtype ? put(activation_kernel<act, X, X>) : put(activation_kernel<act, X, float>);
    });
  });
}

void forward(Products& products, Workspace& work, cudaStream_t stream, const Linear& op) {
  const Operand x{op.x}, w = forward_side(op.w);
  if (op.act == Act::none && !op.pre)
    return products.multiply(work, stream,
                             {.a = x, .b = w, .bias = bias_in(op.y.dtype, op), .add = op.residual, .c = op.y});
  const Tensor pre = op.pre ? op.pre : work.take(op.y.rows, op.y.cols, op.x.dtype);
  products.multiply(work, stream, {.a = x, .b = w, .bias = bias_in(pre.dtype, op), .c = pre});
  if (work.live()) activation(stream, op.act, pre, op.residual, op.y);
}

void input_grad(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const LinearInputGrad& op) {
  products.multiply(work, stream, {.a = {op.dy}, .b = backward_side(op.w), .add = op.residual, .c = op.dx});
  if (op.act == Act::none) return;
  const Tensor partial = op.dx_sum ? work.take(column_groups(multiprocessors, op.dx), op.dx.cols, DType::f32) : Tensor{};
  if (!work.live()) return;
  by_act(op.act, [&]<Act act>() {
    if constexpr (act != Act::none)
      by_type(op.dx.dtype, [&]<class T>() {
        dim3 grid = grid_of<T>(op.dx);
        if (partial) grid.y = static_cast<unsigned>(partial.rows);
        launch(stream, {"activation_grad", grid, kColumnThreads}, activation_grad_kernel<act, T>, view<const T>(op.pre),
               view<T>(op.dx), view<float>(partial), rows_aligned(op.pre) && rows_aligned(op.dx));
      });
  });
  if (op.hidden) activation(stream, op.act, op.pre, {}, op.hidden);
  if (partial) add_partial_sums(stream, partial, partial.cols, {{op.dx_sum.as<float>()}}, op.accumulate);
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
  input_grad(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const LinearInputGrad& op) const {
  Workspace work = Workspace::measuring();
  input_grad(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
