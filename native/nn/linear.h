// A linear layer's parameters and its three products.
#pragma once
#include "nn/context.h"
#include "nn/parameter.h"

namespace cw {

/// Output features first .. first+count of a layer (how in_proj serves q, k and v apart). Default: all.
struct Features {
  int64_t first = 0;
  int64_t count = -1;
};

/// y = x·Wᵀ + b, or x·W for CLIP's projections (input_major, no bias).
struct LinearLayer {
  Parameter* w = nullptr;
  Parameter* b = nullptr;  // optional

  bool learns() const { return w->learns() || (b && b->trainable); }
  WeightView view(Features part) const { return {&w->weight, part.first, part.count}; }
  Tensor bias(Features part) const { return b ? cut(b->weight.master, part) : Tensor{}; }
  Tensor bias_compute(Features part) const { return b ? cut(b->weight.compute, part) : Tensor{}; }
  /// Where the bias's gradient is wanted: the column sums of dy. Empty if it is not.
  Tensor bias_grad() const { return b ? b->wanted_grad() : Tensor{}; }

  void forward(const Context& c, Tensor x, Tensor y, Tensor residual = {}, Features part = {}) const {
    c.ops.linear(
        {.x = x, .w = view(part), .b = bias(part), .b_compute = bias_compute(part), .residual = residual, .y = y});
  }
  /// dx = residual + gradient.
  void input_grad(const Context& c, Tensor dy, Tensor dx, Features part = {}, Tensor residual = {}) const {
    c.ops.linear_input_grad({.dy = dy, .w = view(part), .dx = dx, .residual = residual});
  }
  /// Adds to the gradients of the parameters that learn, or begins them. again: another part of this weight went before.
  void weight_grad(const Context& c, Tensor dy, Tensor x, Features part = {}, bool again = false) const;
  /// The weight's alone: what wrote dy has summed its columns for the bias.
  void weight_grad_alone(const Context& c, Tensor dy, Tensor x) const;

 private:
  void adapter_grads(const Context& c, Tensor dy, Tensor x, int64_t first, bool again) const;
  static Tensor cut(const Tensor& row, Features part) {
    return part.count < 0 ? row : row.col_range(part.first, part.count);
  }
};

/// to (+)= the column sums of dy, unless `to` is empty.
void sum_columns(const Context& c, Tensor dy, Tensor to);

}  // namespace cw
