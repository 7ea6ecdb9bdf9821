// A student's similarities held against a teacher's. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Gradients of the contrastive loss and of distillation at once, in streamed tiles: neither matrix is ever stored. With logits
/// s[i,j] = exp(logit_scale)·image[i]·text[j] of local image rows against all texts, t[i,j] likewise of the teacher, and P the sum
/// of t's softmax over rows and of that over columns:
/// pairs:   pair_weight·Σ_i (row_lse[i] + col_lse[row_offset+i] - 2·s[i,row_offset+i]), as InfoNceLoss;
/// distil:  weight·(Σ_i (row_lse[i] + col_lse[row_offset+i]) - Σ_ij P[i,j]·s[i,j]), the cross-entropies of the student's softmaxes
///          under the teacher's: their mean with weight 1/(2m). Source: open_clip loss.py DistillClipLoss.
/// Both times loss_scale; dtext and dlogit_scale are this rank's part. half_cross[i] = ½·Σ_j P[i,j]·s[i,j] is what InfoNceLoss takes
/// in place of the diagonal for the second one.
struct DistillGrad {
  Tensor image;                             // f32, bf16 or f16 [n,E], unit rows; global rows row_offset .. row_offset+n
  Tensor text;                              // as image [m,E]
  Tensor logit_scale;                       // f32 [1,1], the logarithm
  Tensor row_lse, col_lse;                  // f32 [1,n], [1,m], of InfoNce
  Tensor teacher_image, teacher_text;       // as image [n,F], [m,F]
  Tensor teacher_scale;                     // f32 [1,1], the logarithm
  Tensor teacher_row_lse, teacher_col_lse;  // f32 [1,n], [1,m]
  Tensor loss_scale;                        // f32 [1, LossScale::count], optional
  Tensor dimage, dtext;                     // f32 [n,E], [m,E]; dimage may be the same view as image
  Tensor dlogit_scale;                      // f32 [1,1]
  Tensor half_cross;                        // f32 [1,n]
  float pair_weight = 0, weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;  // concerns dlogit_scale only
};

}  // namespace cw
