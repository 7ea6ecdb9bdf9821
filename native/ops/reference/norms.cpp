#include <algorithm>
#include <cmath>

#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {

void ReferenceBackend::run(const LayerNorm& a) {
  const Matrix x(a.x), gamma(a.gamma), beta(a.beta), residual(a.residual);
  Matrix y(x.rows, x.cols), means(1, x.rows), rstds(1, x.rows);
  const auto d = static_cast<double>(x.cols);
  for (int64_t t = 0; t < x.rows; ++t) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < x.cols; ++i) mean += x(t, i) / d;
    for (int64_t i = 0; i < x.cols; ++i) variance += (x(t, i) - mean) * (x(t, i) - mean) / d;
    const double rstd = 1 / std::sqrt(variance + a.eps);
    for (int64_t i = 0; i < x.cols; ++i)
      y(t, i) = (x(t, i) - mean) * rstd * gamma(0, i) + beta(0, i) + (a.residual ? residual(t, i) : 0);
    means(0, t) = mean;
    rstds(0, t) = rstd;
  }
  y.store(a.y);
  if (a.mean) {
    means.store(a.mean);
    rstds.store(a.rstd);
  }
}

void ReferenceBackend::run(const LayerNormGrad& a) {
  const Matrix x(a.x), gamma(a.gamma), mean(a.mean), rstd(a.rstd), dy(a.dy), residual(a.residual);
  Matrix dx(x.rows, x.cols), dgamma(1, x.cols), dbeta(1, x.cols);
  const auto d = static_cast<double>(x.cols);
  for (int64_t t = 0; t < x.rows; ++t) {
    const auto normed = [&](int64_t i) { return (x(t, i) - mean(0, t)) * rstd(0, t); };
    double sum = 0, dot = 0;  // of g = dy·gamma, and of g·x̂
    for (int64_t i = 0; i < x.cols; ++i) {
      sum += dy(t, i) * gamma(0, i) / d;
      dot += dy(t, i) * gamma(0, i) * normed(i) / d;
      dgamma(0, i) += dy(t, i) * normed(i);
      dbeta(0, i) += dy(t, i);
    }
    for (int64_t i = 0; i < x.cols; ++i)
      dx(t, i) = rstd(0, t) * (dy(t, i) * gamma(0, i) - sum - normed(i) * dot) + (a.residual ? residual(t, i) : 0);
  }
  dx.store(a.dx);
  if (a.dgamma) {
    dgamma.store(a.dgamma, a.accumulate);
    dbeta.store(a.dbeta, a.accumulate);
  }
  if (a.dx_sum) store_column_sums(a.dx, a.dx_sum, a.accumulate);
}

void ReferenceBackend::run(const L2Normalize& a) {
  Matrix x(a.x), inverse(1, a.x.rows);
  for (int64_t r = 0; r < x.rows; ++r) {
    double square = 0;
    for (int64_t i = 0; i < x.cols; ++i) square += x(r, i) * x(r, i);
    inverse(0, r) = 1 / std::max(std::sqrt(square), 1e-12);
    for (int64_t i = 0; i < x.cols; ++i) x(r, i) *= inverse(0, r);
  }
  x.store(a.y);
  if (a.inv_norm) inverse.store(a.inv_norm);
}

void ReferenceBackend::run(const L2NormalizeGrad& a) {
  const Matrix y(a.y), inverse(a.inv_norm), dy(a.dy);
  Matrix dx(y.rows, y.cols);
  for (int64_t r = 0; r < y.rows; ++r) {
    double dot = 0;
    for (int64_t i = 0; i < y.cols; ++i) dot += y(r, i) * dy(r, i);
    for (int64_t i = 0; i < y.cols; ++i) dx(r, i) = (dy(r, i) - y(r, i) * dot) * inverse(0, r);
  }
  dx.store(a.dx);
}

}  // namespace cw
