#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/reference/backend.h"
#include "ops/reference/pair_logits.h"

namespace cw {
namespace {

/// log Σ exp, one term at a time.
struct LogSum {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  void add(double x) {
    if (x > largest) {
      sum *= std::exp(largest - x);
      largest = x;
    }
    sum += std::exp(x - largest);
  }
  double value() const { return largest + std::log(sum); }
};

}  // namespace

void ReferenceBackend::run(const InfoNce& a) {
  const PairLogits logits(a);
  std::vector<LogSum> rows(static_cast<size_t>(logits.rows())), cols(static_cast<size_t>(logits.cols()));
  Matrix diagonal(1, logits.rows());
  for (int64_t i = 0; i < logits.rows(); ++i)
    for (int64_t j = 0; j < logits.cols(); ++j) {
      if (logits.left_out(i, j)) continue;
      const double x = logits(i, j);
      rows[i].add(x);
      cols[j].add(x);
      if (a.row_offset + i == j) diagonal(0, i) = x;
    }
  const auto store = [](const std::vector<LogSum>& sums, const Tensor& t) {
    Matrix m(1, t.cols);
    for (int64_t i = 0; i < t.cols; ++i) m(0, i) = sums[i].value();
    m.store(t);
  };
  store(rows, a.row_lse);
  store(cols, a.col_lse);
  diagonal.store(a.diagonal);
}

void ReferenceBackend::run(const InfoNceLoss& a) {
  const Matrix row_lse(a.row_lse), col_lse(a.col_lse), diagonal(a.diagonal);
  Matrix loss(1, 1);
  for (int64_t i = 0; i < row_lse.cols; ++i)
    loss(0, 0) += a.weight * (row_lse(0, i) + col_lse(0, a.row_offset + i) - 2 * diagonal(0, i));
  loss.store(a.loss, a.accumulate);
}

void ReferenceBackend::run(const InfoNceGrad& a) {
  const PairLogits logits(a);
  const Matrix row_lse(a.row_lse), col_lse(a.col_lse);
  const double weight = a.weight * (a.loss_scale ? Matrix(a.loss_scale)(0, 0) : 1);
  Matrix dimage(a.dimage.rows, a.dimage.cols), dtext(a.dtext.rows, a.dtext.cols), dscale(1, 1);
  for (int64_t i = 0; i < logits.rows(); ++i)
    for (int64_t j = 0; j < logits.cols(); ++j) {
      if (logits.left_out(i, j)) continue;
      const double x = logits(i, j);
      const double g = weight * (std::exp(x - row_lse(0, i)) + std::exp(x - col_lse(0, j)) -
                                 (a.row_offset + i == j ? 2 : 0));
      dscale(0, 0) += g * x;
      for (int64_t e = 0; e < dimage.cols; ++e) {
        dimage(i, e) += g * logits.scale() * logits.text()(j, e);
        dtext(j, e) += g * logits.scale() * logits.image()(i, e);
      }
    }
  dimage.store(a.dimage);
  dtext.store(a.dtext);
  dscale.store(a.dlogit_scale, a.accumulate);
}

}  // namespace cw
