#include "nn/linear.h"

namespace cw {

void LinearLayer::weight_grad(const Context& c, Tensor dy, Tensor x, Features part) const {
  const Tensor dw = !w->trainable ? Tensor{} : part.count < 0 ? w->grad : w->grad.row_range(part.first, part.count);
  const Tensor db = bias_grad() ? cut(bias_grad(), part) : Tensor{};
  if (!dw && !db) return;
  c.ops.linear_weight_grad({.dy = dy,
                            .x = x,
                            .dw = dw,
                            .db = db,
                            .input_major = w->weight.input_major,
                            .accumulate = c.accumulate});
}

void LinearLayer::weight_grad_alone(const Context& c, Tensor dy, Tensor x) const {
  if (w->trainable)
    c.ops.linear_weight_grad(
        {.dy = dy, .x = x, .dw = w->grad, .input_major = w->weight.input_major, .accumulate = c.accumulate});
}

void sum_columns(const Context& c, Tensor dy, Tensor to) {
  if (to) c.ops.linear_weight_grad({.dy = dy, .x = dy, .db = to, .accumulate = c.accumulate});
}

}  // namespace cw
