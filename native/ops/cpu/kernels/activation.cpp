// Activations and their derivatives over whole matrices, from the types that oneDNN multiplies, f32 and bf16, to any.
#include "ops/cpu/kernels/activation_values.h"
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// Calls body(row, first, count) for stretches of every row, shared out evenly among threads.
template <class Body>
void for_stretches(int64_t rows, int64_t cols, Body&& body) {
  constexpr int64_t kStretch = 2048;
  const int64_t across = (cols + kStretch - 1) / kStretch;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows * across; ++i) {
    const int64_t first = i % across * kStretch;
    body(i / across, first, first + kStretch < cols ? kStretch : cols - first);
  }
}

template <Act act, class X, class Y>
void forward(const Tensor& x, const Tensor& residual, const Tensor& y) {
  for_stretches(x.rows, x.cols, [&](int64_t r, int64_t first, int64_t count) {
    const X* from = x.row<X>(r) + first;
    const Y* add = residual ? residual.row<Y>(r) + first : nullptr;
    Y* to = y.row<Y>(r) + first;
    for_vectors(count, [&](int64_t i, int64_t n) {
      V v = value<act>(load_some(from + i, n));
      if (add) v += load_some(add + i, n);
      store_some(to + i, v, n);
    });
  });
}

template <Act act, class D, class T>
void backward(const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  for_stretches(dx.rows, dx.cols, [&](int64_t r, int64_t first, int64_t count) {
    const T* at = pre.row<T>(r) + first;
    const D* from = dy.row<D>(r) + first;
    T* d = dx.row<T>(r) + first;
    T* again = hidden ? hidden.row<T>(r) + first : nullptr;
    for_vectors(count, [&](int64_t i, int64_t n) {
      const V x = load_some(at + i, n);
      store_some(d + i, load_some(from + i, n) * slope<act>(x), n);
      if (again) store_some(again + i, value<act>(x), n);
    });
  });
}

template <Act act>
void forward_typed(const Tensor& x, const Tensor& residual, const Tensor& y) {
  with_storage(y.dtype, [&]<class Y>(Y) {
    x.dtype == DType::f32 ? forward<act, float, Y>(x, residual, y) : forward<act, bf16, Y>(x, residual, y);
  });
}

template <Act act>
void backward_typed(const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  with_storage(dx.dtype, [&]<class T>(T) {
    dy.dtype == DType::f32 ? backward<act, float, T>(pre, dy, dx, hidden) : backward<act, T, T>(pre, dy, dx, hidden);
  });
}

void activation(Act act, const Tensor& x, const Tensor& residual, const Tensor& y) {
  with_act(act, [&]<Act kind>() { forward_typed<kind>(x, residual, y); });
}

void activation_grad(Act act, const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden) {
  with_act(act, [&]<Act kind>() { backward_typed<kind>(pre, dy, dx, hidden); });
}

}  // namespace

void add_activation(Kernels& k) {
  k.activation = activation;
  k.activation_grad = activation_grad;
}

}  // namespace cw::CW_ISA
