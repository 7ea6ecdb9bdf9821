// Layer norm and unit length, forward and backward, a row at a time. D width.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class T>
void forward(const LayerNorm& op) {
  const int64_t d = op.x.cols;
  const float *gamma = op.gamma.as<float>(), *beta = op.beta.as<float>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T* x = op.x.row<T>(r);
    const T* residual = op.residual ? op.residual.row<T>(r) : nullptr;
    T* y = op.y.row<T>(r);
    // Two passes over a row that lies in the cache: one pass would lose the variance of rows far from zero.
    V total = set1(0);
    for_vectors(d, [&](int64_t i, int64_t n) { total += load_some(x + i, n); });
    const float mean = sum(total) / static_cast<float>(d);
    const V m = set1(mean);
    V squares = set1(0);
    for_vectors(d, [&](int64_t i, int64_t n) {
      V c = load_some(x + i, n) - m;
      if (n < kWidth) c = keep(c, n);
      squares = fma(c, c, squares);
    });
    const float rstd = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(d) + op.eps);
    const V k = set1(rstd);
    for_vectors(d, [&](int64_t i, int64_t n) {
      const V normed = (load_some(x + i, n) - m) * k;
      V out = fma(normed, load_some(gamma + i, n), load_some(beta + i, n));
      if (residual) out += load_some(residual + i, n);
      store_some(y + i, out, n);
    });
    if (op.mean) {
      op.mean.as<float>()[r] = mean;
      op.rstd.as<float>()[r] = rstd;
    }
  }
}

template <class T>
void backward_row(const LayerNormGrad& op, int64_t r, float* dgamma, float* dbeta) {
  const int64_t d = op.x.cols;
  const T *x = op.x.row<T>(r), *dy = op.dy.row<T>(r);
  const T* residual = op.residual ? op.residual.row<T>(r) : nullptr;
  T* dx = op.dx.row<T>(r);
  const float* gamma = op.gamma.as<float>();
  const V mean = set1(op.mean.as<float>()[r]), rstd = set1(op.rstd.as<float>()[r]);
  V sums = set1(0), dots = set1(0);  // of g = dy·gamma, and of g·x̂
  for_vectors(d, [&](int64_t i, int64_t n) {
    const V dyi = load_some(dy + i, n), normed = (load_some(x + i, n) - mean) * rstd;
    V g = dyi * load_some(gamma + i, n);
    if (n < kWidth) g = keep(g, n);
    sums += g;
    dots = fma(g, normed, dots);
    if (dgamma) {
      store_some(dgamma + i, fma(dyi, normed, load_some(dgamma + i, n)), n);
      store_some(dbeta + i, dyi + load_some(dbeta + i, n), n);
    }
  });
  const V s = set1(sum(sums) / static_cast<float>(d)), q = set1(sum(dots) / static_cast<float>(d));
  for_vectors(d, [&](int64_t i, int64_t n) {
    const V normed = (load_some(x + i, n) - mean) * rstd;
    const V g = load_some(dy + i, n) * load_some(gamma + i, n);
    V out = rstd * (g - s - normed * q);
    if (residual) out += load_some(residual + i, n);
    store_some(dx + i, out, n);
  });
}

template <class T>
void backward(const LayerNormGrad& op, const Tensor& partials) {
  const int64_t chunks = sum_chunks(op.x.rows), d = op.x.cols;
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < chunks; ++c) {
    float* dgamma = partials ? partials.row<float>(c) : nullptr;
    float* dbeta = partials ? partials.row<float>(chunks + c) : nullptr;
    for (int64_t i = 0; partials && i < d; ++i) dgamma[i] = dbeta[i] = 0;
    const int64_t end = (c + 1) * kSumRows < op.x.rows ? (c + 1) * kSumRows : op.x.rows;
    for (int64_t r = c * kSumRows; r < end; ++r) backward_row<T>(op, r, dgamma, dbeta);
  }
}

void layer_norm(const LayerNorm& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { forward<T>(op); });
}

void layer_norm_grad(const LayerNormGrad& op, const Tensor& partials) {
  with_storage(op.x.dtype, [&]<class T>(T) { backward<T>(op, partials); });
}

void l2_normalize(const L2Normalize& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const float* x = op.x.row<float>(r);
    float* y = op.y.row<float>(r);
    V squares = set1(0);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) {
      const V v = load_some(x + i, n);
      squares = fma(v, v, squares);
    });
    const float norm = __builtin_sqrtf(sum(squares));
    const float inverse = 1.0f / (norm > 1e-12f || norm != norm ? norm : 1e-12f);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) { store_some(y + i, load_some(x + i, n) * set1(inverse), n); });
    if (op.inv_norm) op.inv_norm.as<float>()[r] = inverse;
  }
}

void l2_normalize_grad(const L2NormalizeGrad& op) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.y.rows; ++r) {
    const float *y = op.y.row<float>(r), *dy = op.dy.row<float>(r);
    float* dx = op.dx.row<float>(r);
    V dots = set1(0);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) { dots = fma(load_some(y + i, n), load_some(dy + i, n), dots); });
    const V dot = set1(sum(dots)), inverse = set1(op.inv_norm.as<float>()[r]);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) {
      store_some(dx + i, (load_some(dy + i, n) - load_some(y + i, n) * dot) * inverse, n);
    });
  }
}

}  // namespace

void add_norms(Kernels& k) {
  k.layer_norm = layer_norm;
  k.layer_norm_grad = layer_norm_grad;
  k.l2_normalize = l2_normalize;
  k.l2_normalize_grad = l2_normalize_grad;
}

}  // namespace cw::CW_ISA
