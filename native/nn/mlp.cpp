#include "nn/mlp.h"

#include <optional>

namespace cw {

void Mlp::forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const {
  const int64_t m = fc.w->weight.master.rows;
  const bool keep = c.training && !c.remake_hidden;
  s = {.x = x};
  if (c.training) s.pre = c.take(x.rows, m);
  if (!y && !keep) return fc.forward(c, x, s.pre);
  std::optional<Frame> passing;
  if (!keep) passing.emplace(c.arena);
  const Tensor hidden = c.take(x.rows, m);
  c.ops.linear({.x = x,
                .w = fc.view({}),
                .b = fc.bias({}),
                .b_compute = fc.bias_compute({}),
                .y = hidden,
                .pre = s.pre,
                .act = act});
  if (keep) s.hidden = hidden;
  if (y) proj.forward(c, hidden, y, residual);
}

void Mlp::backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual) const {
  const Frame frame(c.arena);
  const Tensor dhidden = c.take(dy.rows, s.pre.cols);
  const Tensor remade = s.hidden || !proj.w->learns() ? Tensor{} : s.pre;  // which nothing reads afterwards
  c.ops.linear_input_grad({.dy = dy,
                           .w = proj.view({}),
                           .dx = dhidden,
                           .pre = s.pre,
                           .dx_sum = fc.bias_grad(),
                           .hidden = remade,
                           .act = act,
                           .accumulate = c.accumulate});
  proj.weight_grad_alone(c, dy, s.hidden ? s.hidden : remade);
  fc.weight_grad_alone(c, dhidden, s.x);
  if (dx) fc.input_grad(c, dhidden, dx, {}, residual);
}

}  // namespace cw
