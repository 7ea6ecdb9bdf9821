// cast, fill, clamp, tanh and random_init: every element by itself.
#include "core/philox.h"
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class X, class Y>
__global__ void cast_kernel(View<const X> x, View<Y> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun];
    load_run(x.row(r) + c, x.cols - c, aligned, v);
    store_run(y.row(r) + c, y.cols - c, aligned, v);
  }
}

template <class T>
__global__ void fill_kernel(View<T> y, float value, bool aligned) {
  const Runs runs{y.rows, y.cols};
  float v[kRun];
#pragma unroll
  for (int k = 0; k < kRun; ++k) v[k] = value;
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t c = runs.col(i);
    store_run(y.row(runs.row(i)) + c, y.cols - c, aligned, v);
  }
}

__global__ void clamp_kernel(View<float> x, float low, float high, bool aligned) {
  const Runs runs{x.rows, x.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t c = runs.col(i);
    float* at = x.row(runs.row(i)) + c;
    float v[kRun];
    load_run(at, x.cols - c, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] = fminf(fmaxf(v[k], low), high);
    store_run(at, x.cols - c, aligned, v);
  }
}

template <class T>
__global__ void tanh_kernel(View<const T> x, View<T> y, bool aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun];
    load_run(x.row(r) + c, x.cols - c, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) v[k] = tanhf(v[k]);
    store_run(y.row(r) + c, y.cols - c, aligned, v);
  }
}

/// dx = dy·(1 - y²)
template <class T>
__global__ void tanh_grad_kernel(View<const T> y, View<const T> dy, View<T> dx, bool aligned) {
  const Runs runs{dx.rows, dx.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun], d[kRun];
    load_run(y.row(r) + c, y.cols - c, aligned, v);
    load_run(dy.row(r) + c, dy.cols - c, aligned, d);
#pragma unroll
    for (int k = 0; k < kRun; ++k) d[k] *= (1.0f - v[k]) * (1.0f + v[k]);
    store_run(dx.row(r) + c, dx.cols - c, aligned, d);
  }
}

/// One thread a draw of four. No fast intrinsics: other backends must agree but for the last bits.
__global__ void random_init_kernel(float* y, int64_t count, bool normal, float a, float b, uint64_t seed, uint64_t stream) {
  for (int64_t i = first_thread(); i * 4 < count; i += all_threads()) {
    const Philox4 draw = philox(seed, stream, static_cast<uint64_t>(i));
    float x[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) x[k] = unit_float(draw.v[k]);
    if (normal) {
#pragma unroll
      for (int k = 0; k < 4; k += 2) {
        const float radius = sqrtf(-2.0f * logf(x[k])), angle = 6.2831855f * x[k + 1];
        x[k] = fmaf(b, radius * cosf(angle), a);
        x[k + 1] = fmaf(b, radius * sinf(angle), a);
      }
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) x[k] = fmaf(b - a, x[k], a);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k)
      if (i * 4 + k < count) y[i * 4 + k] = x[k];
  }
}

unsigned grid_of(const Tensor& t) { return blocks_for(Runs{t.rows, t.cols}.count(), kThreads); }

}  // namespace

void CudaBackend::execute(const Cast& op) {
  by_type(op.x.dtype, [&]<class X>() {
    by_type(op.y.dtype, [&]<class Y>() {
      launch(stream(), {"cast", grid_of(op.y), kThreads}, cast_kernel<X, Y>, view<const X>(op.x), view<Y>(op.y),
             rows_aligned(op.x) && rows_aligned(op.y));
    });
  });
}

void CudaBackend::execute(const Fill& op) {
  by_type(op.y.dtype, [&]<class T>() {
    launch(stream(), {"fill", grid_of(op.y), kThreads}, fill_kernel<T>, view<T>(op.y), op.value, rows_aligned(op.y));
  });
}

void CudaBackend::execute(const Clamp& op) {
  launch(stream(), {"clamp", grid_of(op.x), kThreads}, clamp_kernel, view<float>(op.x), op.low, op.high, rows_aligned(op.x));
}

void CudaBackend::execute(const Tanh& op) {
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream(), {"tanh", grid_of(op.y), kThreads}, tanh_kernel<T>, view<const T>(op.x), view<T>(op.y),
           rows_aligned(op.x) && rows_aligned(op.y));
  });
}

void CudaBackend::execute(const TanhGrad& op) {
  by_type(op.y.dtype, [&]<class T>() {
    launch(stream(), {"tanh_grad", grid_of(op.dx), kThreads}, tanh_grad_kernel<T>, view<const T>(op.y),
           view<const T>(op.dy), view<T>(op.dx), rows_aligned(op.y) && rows_aligned(op.dy) && rows_aligned(op.dx));
  });
}

void CudaBackend::execute(const RandomInit& op) {
  const int64_t count = op.y.count();
  launch(stream(), {"random_init", blocks_for(ceil_div(count, 4), kThreads), kThreads}, random_init_kernel, op.y.as<float>(), count,
         op.kind == RandomInit::Kind::normal, op.a, op.b, op.seed, op.stream);
}

}  // namespace cw
