// SwiGLU (https://arxiv.org/abs/2002.05202): units that let others through. ops.h has the letters and the rules.
#pragma once
#include "core/tensor.h"

namespace cw {

/// y = silu(gate)·x by elements, silu(g) = g·sigmoid(g). Gate and x are usually column ranges of one product.
struct Swiglu {
  Tensor gate, x;  // x [T,D]
  Tensor y;        // x [T,D]
};

/// dgate = dy·x·silu'(gate), silu'(g) = s·(1 + g·(1 - s)) with s = sigmoid(g); dx = dy·silu(gate).
struct SwigluGrad {
  Tensor gate, x, dy;  // x [T,D]
  Tensor dgate, dx;    // x [T,D]
};

}  // namespace cw
