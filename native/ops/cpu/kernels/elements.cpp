// Single elements: cast, clamp and fill.
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

}  // namespace

void add_elements(Kernels& k) {
  k.cast = cast;
  k.clamp = clamp;
  k.fill = fill;
}

}  // namespace cw::CW_ISA
