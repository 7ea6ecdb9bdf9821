#include "nn/norm.h"

namespace cw {

NormLayer NormLayer::add(Parameters& parameters, const std::string& name, int64_t width, float eps) {
  NormLayer layer;
  layer.gamma = &parameters.add(name + ".weight", {width}, Init::constant(1));
  layer.beta = &parameters.add(name + ".bias", {width}, Init::constant(0));
  layer.eps = eps;
  return layer;
}

void NormLayer::forward(const Context& c, Tensor x, Tensor y, Saved& s, Tensor residual) const {
  s = {};
  if (c.training) s = {.x = x, .mean = c.take_f32(1, x.rows), .rstd = c.take_f32(1, x.rows)};
  c.ops.layer_norm({.x = x,
                    .gamma = gamma->weight.master,
                    .beta = beta->weight.master,
                    .residual = residual,
                    .y = y,
                    .mean = s.mean,
                    .rstd = s.rstd,
                    .eps = eps});
}

void NormLayer::backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual, Tensor dx_sum) const {
  // The op gives both gradients or none: that of one frozen alone goes nowhere.
  const Frame frame(c.arena);
  const auto grad_of = [&](const Parameter& p) {
    return !learns() ? Tensor{} : p.trainable ? p.grad : c.take_f32(1, p.count());
  };
  c.ops.layer_norm_grad({.x = s.x,
                         .gamma = gamma->weight.master,
                         .mean = s.mean,
                         .rstd = s.rstd,
                         .dy = dy,
                         .residual = residual,
                         .dx = dx,
                         .dgamma = grad_of(*gamma),
                         .dbeta = grad_of(*beta),
                         .dx_sum = dx_sum,
                         .accumulate = c.accumulate});
}

}  // namespace cw
