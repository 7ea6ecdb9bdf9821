// Columns scaled by parameters, a row at a time. D width.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class T>
void forward(const LayerScale& op) {
  const float* gamma = op.gamma.as<float>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T *x = op.x.row<T>(r), *residual = op.residual.row<T>(r);
    T* y = op.y.row<T>(r);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
      store_some(y + i, fma(load_some(x + i, n), load_some(gamma + i, n), load_some(residual + i, n)), n);
    });
  }
}

template <class T>
void backward_row(const LayerScaleGrad& op, int64_t r, float* dgamma) {
  const float* gamma = op.gamma.as<float>();
  const T *x = op.x.row<T>(r), *dy = op.dy.row<T>(r);
  T* dx = op.dx.row<T>(r);
  for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
    const V dyi = load_some(dy + i, n);
    if (dgamma) store_some(dgamma + i, fma(dyi, load_some(x + i, n), load_some(dgamma + i, n)), n);
    store_some(dx + i, dyi * load_some(gamma + i, n), n);
  });
}

template <class T>
void backward(const LayerScaleGrad& op, const Tensor& partials) {
  const int64_t chunks = sum_chunks(op.x.rows);
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < chunks; ++c) {
    float* dgamma = partials ? partials.row<float>(c) : nullptr;
    for (int64_t i = 0; dgamma && i < op.x.cols; ++i) dgamma[i] = 0;
    const int64_t end = (c + 1) * kSumRows < op.x.rows ? (c + 1) * kSumRows : op.x.rows;
    for (int64_t r = c * kSumRows; r < end; ++r) backward_row<T>(op, r, dgamma);
  }
}

void layer_scale(const LayerScale& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { forward<T>(op); });
}

void layer_scale_grad(const LayerScaleGrad& op, const Tensor& partials) {
  with_storage(op.x.dtype, [&]<class T>(T) { backward<T>(op, partials); });
}

}  // namespace

void add_layer_scale(Kernels& k) {
  k.layer_scale = layer_scale;
  k.layer_scale_grad = layer_scale_grad;
}

}  // namespace cw::CW_ISA
