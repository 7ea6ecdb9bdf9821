// Single elements: cast, clamp, fill and tanh.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class X, class Y>
void cast_typed(const Tensor& x, const Tensor& y) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < x.rows; ++r) {
    const X* from = x.row<X>(r);
    Y* to = y.row<Y>(r);
    for_vectors(x.cols, [&](int64_t i, int64_t n) { store_some(to + i, load_some(from + i, n), n); });
  }
}

void cast(const Tensor& x, const Tensor& y) {
  with_storage(x.dtype, [&]<class X>(X) { with_storage(y.dtype, [&]<class Y>(Y) { cast_typed<X, Y>(x, y); }); });
}

void clamp(const Clamp& op) {
  for (int64_t r = 0; r < op.x.rows; ++r) {
    float* x = op.x.row<float>(r);
    // NaN must stay NaN: the processor's min and max give their second operand for it.
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
      store_some(x + i, min(set1(op.high), max(set1(op.low), load_some(x + i, n))), n);
    });
  }
}

template <class T>
void fill_typed(const Fill& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.y.rows; ++r) {
    T* y = op.y.row<T>(r);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) { store_some(y + i, set1(op.value), n); });
  }
}

void fill(const Fill& op) {
  with_storage(op.y.dtype, [&]<class T>(T) { fill_typed<T>(op); });
}

/// With e = exp(-2|x|): ±(1 - e) / (1 + e), which cannot overflow.
inline V tanh(V x) {
  const V e = exp(max(x, set1(0) - x) * set1(-2));
  const V size = (set1(1) - e) / (set1(1) + e);
  return select(x < set1(0), set1(0) - size, size);
}

template <class T>
void tanh_typed(const Tanh& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T* x = op.x.row<T>(r);
    T* y = op.y.row<T>(r);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) { store_some(y + i, tanh(load_some(x + i, n)), n); });
  }
}

template <class T>
void tanh_grad_typed(const TanhGrad& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.y.rows; ++r) {
    const T *y = op.y.row<T>(r), *dy = op.dy.row<T>(r);
    T* dx = op.dx.row<T>(r);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) {
      const V v = load_some(y + i, n);
      store_some(dx + i, load_some(dy + i, n) * (set1(1) - v) * (set1(1) + v), n);
    });
  }
}

void tanh_all(const Tanh& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { tanh_typed<T>(op); });
}
void tanh_grad(const TanhGrad& op) {
  with_storage(op.y.dtype, [&]<class T>(T) { tanh_grad_typed<T>(op); });
}

}  // namespace

void add_elements(Kernels& k) {
  k.cast = cast;
  k.clamp = clamp;
  k.fill = fill;
  k.tanh = tanh_all;
  k.tanh_grad = tanh_grad;
}

}  // namespace cw::CW_ISA
