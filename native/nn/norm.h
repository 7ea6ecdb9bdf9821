// A layer norm's parameters, forward and backward.
#pragma once
#include "nn/context.h"
#include "nn/parameter.h"

namespace cw {

struct NormLayer {
  Parameter* gamma = nullptr;
  Parameter* beta = nullptr;
  float eps = 1e-5f;

  struct Saved {
    Tensor x, mean, rstd;
  };

  /// y = LN(x); keeps x by reference when training.
  void forward(const Context& c, Tensor x, Tensor y, Saved& s) const;
  /// dx = residual + gradient.
  void backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual = {}) const;
};

}  // namespace cw
