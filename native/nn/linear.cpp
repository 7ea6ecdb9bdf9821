#include "nn/linear.h"

#include <algorithm>

namespace cw {
namespace {

/// dA = (scale·B)ᵀ·dW and dB = scale·dW·Aᵀ of dw, rows from `first` on of dW.
void adapter_grad(const Context& c, const Adapter& to, Tensor dw, int64_t first, bool again) {
  const int64_t from = std::max(to.first, first), end = std::min(to.first + to.rows, first + dw.rows);
  if (from >= end) return;
  const Frame frame(c.arena);
  const Tensor rows = dw.row_range(from - first, end - from);
  const Tensor b = to.b->weight.master.row_range(from - to.first, end - from);
  const Tensor between = c.take_f32(b.rows, b.cols);
  if (to.a->trainable) {
    c.ops.linear({.x = b, .w = {&to.scale}, .y = between});
    c.ops.linear_weight_grad(
        {.dy = between, .x = rows, .dw = to.a->grad, .accumulate = c.accumulate || (again && b.rows < to.rows)});
  }
  if (to.b->trainable) {
    const Tensor db = to.b->grad.row_range(from - to.first, end - from);
    c.ops.linear({.x = rows, .w = {&to.a->weight}, .y = between});
    c.ops.linear({.x = between, .w = {&to.scale}, .residual = c.accumulate ? db : Tensor{}, .y = db});
  }
}

}  // namespace

/// The whole dW of one layer at a time is made and not kept: a product with A beside that with W would save that one, but not
/// go through an activation that is part of the product.
void LinearLayer::adapter_grads(const Context& c, Tensor dy, Tensor x, int64_t first, bool again) const {
  const Frame frame(c.arena);
  const Tensor dw = c.take_f32(dy.cols, x.cols);
  c.ops.linear_weight_grad({.dy = dy, .x = x, .dw = dw});
  for (const Adapter& a : w->adapters) adapter_grad(c, a, dw, first, again);
}

void LinearLayer::weight_grad(const Context& c, Tensor dy, Tensor x, Features part, bool again) const {
  if (!w->adapters.empty()) {
    adapter_grads(c, dy, x, part.first, again);
    sum_columns(c, dy, bias_grad() ? cut(bias_grad(), part) : Tensor{});
    return;
  }
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
  if (!w->adapters.empty()) return adapter_grads(c, dy, x, 0, false);
  if (w->trainable)
    c.ops.linear_weight_grad(
        {.dy = dy, .x = x, .dw = w->grad, .input_major = w->weight.input_major, .accumulate = c.accumulate});
}

void sum_columns(const Context& c, Tensor dy, Tensor to) {
  if (to) c.ops.linear_weight_grad({.dy = dy, .x = dy, .db = to, .accumulate = c.accumulate});
}

}  // namespace cw
