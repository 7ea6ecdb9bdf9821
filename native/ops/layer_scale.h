// Columns scaled by parameters, as LayerScale does it (https://arxiv.org/abs/2103.17239). ops.h has the letters and the rules.
#pragma once
#include "core/tensor.h"

namespace cw {

/// y = x·gamma + residual, gamma by columns. y may be the same view as x or residual.
struct LayerScale {
  Tensor x, residual;  // x [T,D]
  Tensor gamma;        // f32 [1,D]
  Tensor y;            // x [T,D]
};

/// dx = dy·gamma, dgamma (+)= column sums of dy·x. The residual's gradient is dy itself. dx may be the same view as dy.
/// dx_sum (+)= column sums of dx as it is stored: the bias gradient of a linear that made x.
struct LayerScaleGrad {
  Tensor x, dy;           // x [T,D]
  Tensor gamma;           // f32 [1,D]
  Tensor dx;              // x [T,D]
  Tensor dgamma, dx_sum;  // f32 [1,D], each optional
  bool accumulate = false;  // dgamma and dx_sum
};

}  // namespace cw
