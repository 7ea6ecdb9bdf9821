// The losses: the sigmoid loss of features, and its gradient. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// loss (+)= weight·Σ_ij softplus(-z_ij·logits[i,j]), logits[i,j] = exp(logit_scale)·image[i]·text[j] + logit_bias, where z
/// is 1 for a row's own text and -1 for all others: every pair is a yes-or-no question, weight is 1/m for the mean over
/// pictures. Local image rows against all texts; parts of several ranks add up. Products come in tiles: the matrix is never
/// stored. Pairs i ≠ j of global rows with groups[i] = groups[j] (same picture or same words) are left out.
/// Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (2023); open_clip loss.py SigLipLoss.
struct SigmoidLoss {
  Tensor image;        // f32, bf16 or f16 [n,E], unit rows; global rows row_offset .. row_offset+n
  Tensor text;         // as image [m,E]
  Tensor logit_scale;  // f32 [1,1], the logarithm
  Tensor logit_bias;   // f32 [1,1], optional: 0
  Tensor groups;       // i32 [1,m], optional
  Tensor loss;         // f32 [1,1]
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;
};

/// Gradients of that loss, times loss_scale, and its value, which costs next to nothing beside them. dtext, dlogit_scale and
/// dlogit_bias are this rank's part.
struct SigmoidLossGrad {
  Tensor image, text, logit_scale, logit_bias, groups;
  Tensor loss_scale;    // f32 [1, LossScale::count], optional: f16's activations need large gradients
  Tensor loss;          // f32 [1,1], optional; without loss_scale
  Tensor dimage;        // f32 [n,E]; may be the same view as image
  Tensor dtext;         // f32 [m,E]
  Tensor dlogit_scale;  // f32 [1,1]
  Tensor dlogit_bias;   // f32 [1,1], where logit_bias is given
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;  // concerns dlogit_scale and dlogit_bias only
};

}  // namespace cw
