#include "nn/mlp.h"

namespace cw {

void Mlp::forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const {
  const int64_t m = fc.w->weight.master.rows;
  s = {.x = x};
  s.hidden = c.take(x.rows, m);
  if (c.training) s.pre = c.take(x.rows, m);
  c.ops.linear({.x = x,
                .w = fc.view({}),
                .b = fc.bias({}),
                .b_compute = fc.bias_compute({}),
                .y = s.hidden,
                .pre = s.pre,
                .act = act});
  if (y) proj.forward(c, s.hidden, y, residual);
}

void Mlp::backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual) const {
  const Frame frame(c.arena);
  const Tensor dhidden = c.take(dy.rows, s.hidden.cols);
  c.ops.linear_input_grad({.dy = dy,
                           .w = proj.view({}),
                           .dx = dhidden,
                           .pre = s.pre,
                           .dx_sum = fc.bias_grad(),
                           .act = act,
                           .accumulate = c.accumulate});
  proj.weight_grad_alone(c, dy, s.hidden);
  fc.weight_grad_alone(c, dhidden, s.x);
  if (dx) fc.input_grad(c, dhidden, dx, {}, residual);
}

}  // namespace cw
