// Two linear layers with an activation between them. T rows, M hidden units.
#pragma once
#include "nn/linear.h"

namespace cw {

struct Mlp {
  LinearLayer fc, proj;
  Act act = Act::gelu;

  bool learns() const { return fc.learns() || proj.learns(); }

  struct Saved {
    Tensor x;            // kept by reference
    Tensor pre, hidden;  // [T,M] before and after the activation; hidden is not kept where Context::remake_hidden says so
  };

  /// y = proj(act(fc(x))) + residual. y empty: only fills Saved again.
  void forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const;
  /// dx = residual + gradient; empty where nobody wants it. proj's bias is the caller's: its gradient is the column sums of dy.
  void backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual = {}) const;
};

}  // namespace cw
