#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {

void ReferenceBackend::run(const LayerScale& a) {
  const Matrix x(a.x), residual(a.residual), gamma(a.gamma);
  Matrix y(x.rows, x.cols);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < x.cols; ++i) y(t, i) = x(t, i) * gamma(0, i) + residual(t, i);
  y.store(a.y);
}

void ReferenceBackend::run(const LayerScaleGrad& a) {
  const Matrix x(a.x), dy(a.dy), gamma(a.gamma);
  Matrix dx(x.rows, x.cols), dgamma(1, x.cols);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < x.cols; ++i) {
      dx(t, i) = dy(t, i) * gamma(0, i);
      dgamma(0, i) += dy(t, i) * x(t, i);
    }
  dx.store(a.dx);
  if (a.dgamma) dgamma.store(a.dgamma, a.accumulate);
  if (a.dx_sum) store_column_sums(a.dx, a.dx_sum, a.accumulate);
}

}  // namespace cw
