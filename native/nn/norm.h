// A layer norm's parameters, forward and backward.
#pragma once
#include <string>

#include "nn/context.h"
#include "nn/parameter.h"

namespace cw {

struct NormLayer {
  Parameter* gamma = nullptr;
  Parameter* beta = nullptr;
  float eps = 1e-5f;

  /// Registers name.weight and name.bias, ones and zeros.
  static NormLayer add(Parameters& parameters, const std::string& name, int64_t width, float eps);

  /// Not where a layer has none.
  explicit operator bool() const { return gamma != nullptr; }
  bool learns() const { return gamma && (gamma->trainable || beta->trainable); }

  struct Saved {
    Tensor x, mean, rstd;
  };

  /// y = LN(x) + residual, if given, which y may be; keeps x by reference when training.
  void forward(const Context& c, Tensor x, Tensor y, Saved& s, Tensor residual = {}) const;
  /// dx = residual + gradient. dx_sum, if given, is a gradient that is the column sums of dx.
  void backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual = {}, Tensor dx_sum = {}) const;
};

}  // namespace cw
