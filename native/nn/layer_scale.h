// A branch of a block, scaled by columns before it is added to what goes past it. T rows, D width.
#pragma once
#include <string>

#include "nn/context.h"
#include "nn/parameter.h"

namespace cw {

struct LayerScaleLayer {
  Parameter* gamma = nullptr;

  /// Registers name.gamma, which begins as `value`.
  static LayerScaleLayer add(Parameters& parameters, const std::string& name, int64_t width, float value) {
    return {&parameters.add(name + ".gamma", {width}, Init::constant(value))};
  }
  explicit operator bool() const { return gamma != nullptr; }

  struct Saved {
    Tensor x;  // [T,D] kept by reference
  };

  /// y = residual + x·gamma; keeps x by reference. y empty: only that.
  void forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const {
    s = {.x = x};
    if (y) c.ops.layer_scale({.x = x, .residual = residual, .gamma = gamma->weight.master, .y = y});
  }
  /// dx of dy; dx_sum, if given, is a gradient that is the column sums of dx. The residual's gradient is dy.
  void backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor dx_sum) const {
    c.ops.layer_scale_grad({.x = s.x,
                            .dy = dy,
                            .gamma = gamma->weight.master,
                            .dx = dx,
                            .dgamma = gamma->wanted_grad(),
                            .dx_sum = dx_sum,
                            .accumulate = c.accumulate});
  }
};

}  // namespace cw
