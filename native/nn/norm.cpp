#include "nn/norm.h"

namespace cw {

NormLayer NormLayer::add(Parameters& parameters, const std::string& name, int64_t width, float eps) {
  NormLayer layer;
  layer.gamma = &parameters.add(name + ".weight", {width}, Init::constant(1));
  layer.beta = &parameters.add(name + ".bias", {width}, Init::constant(0));
  layer.eps = eps;
  return layer;
}

void NormLayer::forward(const Context& c, Tensor x, Tensor y, Saved& s) const {
  s = {};
  if (c.training) s = {.x = x, .mean = c.take_f32(1, x.rows), .rstd = c.take_f32(1, x.rows)};
  c.ops.layer_norm({.x = x,
                    .gamma = gamma->weight.master,
                    .beta = beta->weight.master,
                    .y = y,
                    .mean = s.mean,
                    .rstd = s.rstd,
                    .eps = eps});
}

void NormLayer::backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual, Tensor dx_sum) const {
  // The op gives both gradients or none; one frozen alone is not updated by the optimizer.
  const bool learns = gamma->trainable || beta->trainable;
  c.ops.layer_norm_grad({.x = s.x,
                         .gamma = gamma->weight.master,
                         .mean = s.mean,
                         .rstd = s.rstd,
                         .dy = dy,
                         .residual = residual,
                         .dx = dx,
                         .dgamma = learns ? gamma->grad : Tensor{},
                         .dbeta = learns ? beta->grad : Tensor{},
                         .dx_sum = dx_sum,
                         .accumulate = c.accumulate});
}

}  // namespace cw
