// SwiGLU and its gradients, a row at a time.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class T>
void forward(const Swiglu& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T *gate = op.gate.row<T>(r), *x = op.x.row<T>(r);
    T* y = op.y.row<T>(r);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
      const V g = load_some(gate + i, n);
      store_some(y + i, g / (set1(1) + exp(set1(0) - g)) * load_some(x + i, n), n);
    });
  }
}

template <class T>
void backward(const SwigluGrad& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T *gate = op.gate.row<T>(r), *x = op.x.row<T>(r), *dy = op.dy.row<T>(r);
    T *dgate = op.dgate.row<T>(r), *dx = op.dx.row<T>(r);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
      const V g = load_some(gate + i, n), d = load_some(dy + i, n);
      // 1 - s is e^-g·s: as a difference it would lose its digits where s is near 1.
      const V e = exp(set1(0) - g), s = set1(1) / (set1(1) + e);
      store_some(dgate + i, d * load_some(x + i, n) * s * fma(g, e * s, set1(1)), n);
      store_some(dx + i, d * g * s, n);
    });
  }
}

void swiglu(const Swiglu& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { forward<T>(op); });
}

void swiglu_grad(const SwigluGrad& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { backward<T>(op); });
}

}  // namespace

void add_swiglu(Kernels& k) {
  k.swiglu = swiglu;
  k.swiglu_grad = swiglu_grad;
}

}  // namespace cw::CW_ISA
