// A linear layer's parameters and its three products.
#pragma once
#include "nn/context.h"
#include "nn/parameter.h"

namespace cw {

/// y = x·Wᵀ + b, or x·W for CLIP's projections (input_major, no bias).
struct LinearLayer {
  Parameter* w = nullptr;
  Parameter* b = nullptr;  // optional

  /// A layer over output features first .. first+count only (how in_proj serves q, k and v apart).
  struct Part {
    int64_t first = 0;
    int64_t count = -1;
  };

  WeightView view(Part part) const { return {&w->weight, part.first, part.count}; }
  Tensor bias(Part part) const { return b ? cut(b->weight.master, part) : Tensor{}; }

  void forward(const Context& c, Tensor x, Tensor y, Tensor residual = {}, Part part = {}) const {
    c.ops.linear({.x = x, .w = view(part), .b = bias(part), .residual = residual, .y = y});
  }
  void input_grad(const Context& c, Tensor dy, Tensor dx, Part part = {}) const {
    c.ops.linear_input_grad({.dy = dy, .w = view(part), .dx = dx});
  }
  /// Adds to the gradients of the parameters that learn, or begins them.
  void weight_grad(const Context& c, Tensor dy, Tensor x, Part part = {}) const;

 private:
  static Tensor cut(const Tensor& row, Part part) {
    return part.count < 0 ? row : row.col_range(part.first, part.count);
  }
};

}  // namespace cw
