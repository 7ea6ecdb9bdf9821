// Two linear layers with an activation between them, or gates (SwiGLU) and a norm. T rows, M hidden units.
#pragma once
#include "nn/linear.h"
#include "nn/norm.h"

namespace cw {

struct Mlp {
  LinearLayer fc, proj;
  Act act = Act::gelu;
  bool gated = false;  // proj(norm(silu(g)·h)), where fc gives g and h, M of each, in place of proj(act(fc(x)))
  NormLayer norm{};    // of a gated one

  bool learns() const { return fc.learns() || proj.learns() || norm.learns(); }

  struct Saved {
    Tensor x;            // kept by reference
    Tensor pre, hidden;  // [T,M] before and after the activation; of a gated one [T,2M] g and h, and what the norm gives.
                         // hidden is not kept where Context::remake_hidden says so, unless it is gated
    Tensor let_through;  // [T,M] silu(g)·h
    NormLayer::Saved norm;
  };

  /// y = proj(act(fc(x))) + residual. y empty: only fills Saved again.
  void forward(const Context& c, Tensor x, Tensor residual, Tensor y, Saved& s) const;
  /// dx = residual + gradient; empty where nobody wants it. proj's bias is the caller's: its gradient is the column sums of dy.
  void backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual = {}) const;

 private:
  void gated_hidden(const Context& c, Saved& s) const;
  void gated_backward(const Context& c, const Saved& s, Tensor dy, Tensor dx, Tensor residual) const;
};

}  // namespace cw
