#include "nn/linear.h"

namespace cw {

void LinearLayer::weight_grad(const Context& c, Tensor dy, Tensor x, Features part) const {
  const Tensor dw = !w->trainable ? Tensor{} : part.count < 0 ? w->grad : w->grad.row_range(part.first, part.count);
  const Tensor db = b && b->trainable ? cut(b->grad, part) : Tensor{};
  if (!dw && !db) return;
  c.ops.linear_weight_grad({.dy = dy,
                            .x = x,
                            .dw = dw,
                            .db = db,
                            .input_major = w->weight.input_major,
                            .accumulate = c.accumulate});
}

}  // namespace cw
