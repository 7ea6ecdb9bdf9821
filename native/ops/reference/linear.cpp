#include <algorithm>
#include <cmath>

#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activate(Act act, double x) {
  switch (act) {
    case Act::none: return x;
    case Act::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Act::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Act::quick_gelu: return x * sigmoid(1.702 * x);
  }
  return x;
}

double slope(Act act, double x) {
  switch (act) {
    case Act::none: return 1;
    case Act::gelu:
      return 0.5 * (1 + std::erf(x / std::sqrt(2.0))) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI);
    case Act::gelu_tanh: {
      const double k = std::sqrt(2 / M_PI), t = std::tanh(k * (x + 0.044715 * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x);
    }
    case Act::quick_gelu: {
      const double s = sigmoid(1.702 * x);
      return s * (1 + 1.702 * x * (1 - s));
    }
  }
  return 1;
}

/// The asked-for rows as [O,I], whichever way the weight is stored.
Matrix weight(const WeightView& v) {
  const Tensor& w = v.weight->compute;
  if (!v.weight->input_major) return Matrix(w.row_range(v.first, v.out_features()));
  const Matrix stored(w);
  Matrix m(w.cols, w.rows);
  for (int64_t o = 0; o < m.rows; ++o)
    for (int64_t i = 0; i < m.cols; ++i) m(o, i) = stored(i, o);
  return m;
}

/// What rows of f32 rounded to 8 bits stand for. The factor and the rounding are those of f32.
Matrix rounded_rows(const Tensor& t) {
  Matrix x(t);
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* from = t.row<float>(r);
    float most = 0;
    bool finite = true;
    for (int64_t i = 0; i < x.cols; ++i) most = std::max(most, std::fabs(from[i])), finite = finite && std::isfinite(from[i]);
    const float by = 127 / most;
    for (int64_t i = 0; i < x.cols; ++i)
      x(r, i) = !finite ? std::nan("") : std::isfinite(by) ? std::nearbyint(from[i] * by) * double{most / 127} : 0;
  }
  return x;
}

/// Features times their scales.
void scale(Matrix& w, const WeightView& v) {
  const float* scales = v.weight->scales.as<float>() + v.first;
  for (int64_t o = 0; o < w.rows; ++o)
    for (int64_t i = 0; i < w.cols; ++i) w(o, i) *= scales[o];
}

}  // namespace

void ReferenceBackend::run(const Linear& a) {
  const bool rounded = a.w.weight->compute.dtype == DType::i8;
  const Matrix x = rounded ? rounded_rows(a.x) : Matrix(a.x), b(a.b), residual(a.residual);
  Matrix w = weight(a.w);
  if (rounded) scale(w, a.w);
  Matrix y(x.rows, w.rows);
  for (int64_t t = 0; t < y.rows; ++t)
    for (int64_t o = 0; o < y.cols; ++o) {
      double sum = a.b ? b(0, o) : 0;
      for (int64_t i = 0; i < x.cols; ++i) sum += x(t, i) * w(o, i);
      y(t, o) = sum;
    }
  if (a.pre) y.store(a.pre);
  for (int64_t t = 0; t < y.rows; ++t)
    for (int64_t o = 0; o < y.cols; ++o) y(t, o) = activate(a.act, y(t, o)) + (a.residual ? residual(t, o) : 0);
  y.store(a.y);
}

void ReferenceBackend::run(const LinearInputGrad& a) {
  const Matrix dy(a.dy), w = weight(a.w);
  const Matrix pre(a.act == Act::none ? Tensor{} : a.pre), residual(a.residual);
  Matrix dx(dy.rows, w.cols);
  for (int64_t t = 0; t < dy.rows; ++t) {
    for (int64_t o = 0; o < dy.cols; ++o)
      for (int64_t i = 0; i < w.cols; ++i) dx(t, i) += dy(t, o) * w(o, i);
    if (a.act != Act::none)
      for (int64_t i = 0; i < w.cols; ++i) dx(t, i) *= slope(a.act, pre(t, i));
    if (a.residual)
      for (int64_t i = 0; i < w.cols; ++i) dx(t, i) += residual(t, i);
  }
  dx.store(a.dx);
  if (a.hidden) {
    Matrix hidden(a.pre);
    for (int64_t t = 0; t < hidden.rows; ++t)
      for (int64_t i = 0; i < hidden.cols; ++i) hidden(t, i) = activate(a.act, hidden(t, i));
    hidden.store(a.hidden);
  }
  if (a.dx_sum) store_column_sums(a.dx, a.dx_sum, a.accumulate);
}

void ReferenceBackend::run(const LinearWeightGrad& a) {
  if (a.db) store_column_sums(a.dy, a.db, a.accumulate);
  if (a.dw) {
    const Matrix dy(a.dy), x(a.x);
    Matrix dw(a.dw.rows, a.dw.cols);
    for (int64_t t = 0; t < x.rows; ++t)
      for (int64_t o = 0; o < dy.cols; ++o)
        for (int64_t i = 0; i < x.cols; ++i) (a.input_major ? dw(i, o) : dw(o, i)) += dy(t, o) * x(t, i);
    dw.store(a.dw, a.accumulate);
  }
}

}  // namespace cw
