// The losses: InfoNCE of features, and its gradient. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Statistics of logits[i,j] = exp(logit_scale)·image[i]·text[j] for local image rows against all texts, in streamed
/// tiles: the matrix is never stored. With several ranks col_lse covers the local rows only and is combined outside.
/// Pairs i ≠ j of global rows with groups[i] = groups[j] (same picture or same words) are left out of both softmaxes; a
/// column whose local rows are all left out has col_lse = -infinity.
struct InfoNce {
  Tensor image;        // f32, bf16 or f16 [n,E], unit rows; global rows row_offset .. row_offset+n
  Tensor text;         // as image [m,E]
  Tensor logit_scale;  // f32 [1,1], the logarithm
  Tensor groups;       // i32 [1,m], optional
  Tensor row_lse;      // f32 [1,n]
  Tensor col_lse;      // f32 [1,m]
  Tensor diagonal;     // f32 [1,n] logits of the true pairs
  int64_t row_offset = 0;
};

/// loss (+)= weight·Σ_i (row_lse[i] + col_lse[row_offset+i] - 2·diagonal[i]): mean of both cross-entropies with weight
/// 1/(2m), their sum with 1/m. Source: open_clip loss.py ClipLoss.
struct InfoNceLoss {
  Tensor row_lse, col_lse, diagonal;
  Tensor loss;  // f32 [1,1]
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;
};

/// Gradients of that loss, times loss_scale; dtext and dlogit_scale are this rank's part. Tiles are recomputed.
struct InfoNceGrad {
  Tensor image, text, logit_scale, groups, row_lse, col_lse;
  Tensor loss_scale;    // f32 [1, LossScale::count], optional: f16's activations need large gradients
  Tensor dimage;        // f32 [n,E]; may be the same view as image
  Tensor dtext;         // f32 [m,E]
  Tensor dlogit_scale;  // f32 [1,1]
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;  // concerns dlogit_scale only
};

}  // namespace cw
