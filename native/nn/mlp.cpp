#include "nn/mlp.h"

#include <optional>

namespace cw {

void Mlp::gated_hidden(const Context& c, Saved& s) const {
  const int64_t t = s.x.rows, m = fc.w->weight.master.rows / 2;
  s.pre = c.take(t, 2 * m), s.let_through = c.take(t, m), s.hidden = c.take(t, m);
  fc.forward(c, s.x, s.pre);
  c.ops.swiglu({.gate = s.pre.col_range(0, m), .x = s.pre.col_range(m, m), .y = s.let_through});
  norm.forward(c, s.let_through, s.hidden, s.norm);
}

void Mlp::gated_backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual) const {
  const Frame frame(c.arena);
  const int64_t t = dy.rows, m = s.hidden.cols;
  const Tensor dhidden = c.take(t, m), dpre = c.take(t, 2 * m);
  proj.input_grad(c, dy, dhidden);
  proj.weight_grad_alone(c, dy, s.hidden);
  norm.backward(c, s.norm, dhidden, dhidden);
  c.ops.swiglu_grad({.gate = s.pre.col_range(0, m),
                     .x = s.pre.col_range(m, m),
                     .dy = dhidden,
                     .dgate = dpre.col_range(0, m),
                     .dx = dpre.col_range(m, m)});
  fc.weight_grad(c, dpre, s.x);
  if (dx) fc.input_grad(c, dpre, dx, {}, residual);
}

void Mlp::forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const {
  const int64_t m = fc.w->weight.master.rows;
  const bool keep = c.training && !c.remake_hidden;
  s = {.x = x};
  if (gated) {
    gated_hidden(c, s);
    if (y) proj.forward(c, s.hidden, y, residual);
    return;
  }
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
  if (gated) return gated_backward(c, s, dy, dx, residual);
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
