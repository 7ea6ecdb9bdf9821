// Norms of rows, and their gradients. ops.h has the letters and the rules.
#pragma once
#include "core/tensor.h"

namespace cw {

/// y = (x - mean)·rstd·gamma + beta + residual by rows; variance is biased, rstd = 1/sqrt(var + eps). y may be the same view
/// as residual.
struct LayerNorm {
  Tensor x, gamma, beta;  // x [T,D]; f32 [1,D]
  Tensor residual;        // x [T,D], optional
  Tensor y;               // x [T,D]
  Tensor mean, rstd;      // f32 [1,T], optional (both or none)
  float eps = 1e-5f;
};

/// dx = residual + gradient of LayerNorm. dx may be the same view as residual or dy. dx_sum (+)= column sums of dx as it is
/// stored: the bias gradient of a linear that made x.
struct LayerNormGrad {
  Tensor x, gamma, mean, rstd, dy;
  Tensor residual;       // x [T,D], optional
  Tensor dx;             // x [T,D]
  Tensor dgamma, dbeta;  // f32 [1,D], optional (both or none)
  Tensor dx_sum;         // f32 [1,D], optional
  bool accumulate = false;  // dgamma, dbeta and dx_sum
};

/// y = x / max(|x|, 1e-12) by rows; inv_norm keeps 1/max(|x|, 1e-12). y may be the same view as x.
struct L2Normalize {
  Tensor x, y;      // f32 [R,E]
  Tensor inv_norm;  // f32 [1,R], optional
};

/// dx = (dy - y·(y·dy))·inv_norm. dx may be the same view as dy.
struct L2NormalizeGrad {
  Tensor y, inv_norm, dy, dx;
};

}  // namespace cw
