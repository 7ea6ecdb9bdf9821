#include "ops/reference/backend.h"
#include "ops/reference/pair_logits.h"

namespace cw {
namespace {

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

double bias_of(const Tensor& logit_bias) { return logit_bias ? Matrix(logit_bias)(0, 0) : 0; }

}  // namespace

void ReferenceBackend::run(const SigmoidLoss& a) {
  const PairLogits logits(a);
  const double bias = bias_of(a.logit_bias);
  Matrix loss(1, 1);
  for (int64_t i = 0; i < logits.rows(); ++i)
    for (int64_t j = 0; j < logits.cols(); ++j)
      if (!logits.left_out(i, j))
        loss(0, 0) += a.weight * softplus((logits.own(i, j) ? -1 : 1) * (logits(i, j) + bias));
  loss.store(a.loss, a.accumulate);
}

void ReferenceBackend::run(const SigmoidLossGrad& a) {
  const PairLogits logits(a);
  const double bias = bias_of(a.logit_bias);
  const double weight = a.weight * (a.loss_scale ? Matrix(a.loss_scale)(0, 0) : 1);
  Matrix dimage(a.dimage.rows, a.dimage.cols), dtext(a.dtext.rows, a.dtext.cols), dscale(1, 1), dbias(1, 1), loss(1, 1);
  for (int64_t i = 0; i < logits.rows(); ++i)
    for (int64_t j = 0; j < logits.cols(); ++j) {
      if (logits.left_out(i, j)) continue;
      const double x = logits(i, j), z = logits.own(i, j) ? 1 : -1;
      const double g = -z * weight * sigmoid(-z * (x + bias));
      loss(0, 0) += a.weight * softplus(-z * (x + bias));
      dscale(0, 0) += g * x;
      dbias(0, 0) += g;
      for (int64_t e = 0; e < dimage.cols; ++e) {
        dimage(i, e) += g * logits.scale() * logits.text()(j, e);
        dtext(j, e) += g * logits.scale() * logits.image()(i, e);
      }
    }
  dimage.store(a.dimage);
  dtext.store(a.dtext);
  dscale.store(a.dlogit_scale, a.accumulate);
  if (a.dlogit_bias) dbias.store(a.dlogit_bias, a.accumulate);
  if (a.loss) loss.store(a.loss);
}

}  // namespace cw
