// The contrastive loss on features of both towers: normalise, InfoNCE, and back. n pairs, E embed_dim.
// Source: open_clip loss.py ClipLoss (mean of both cross-entropies); the reference system takes their sum.
#pragma once
#include "core/arena.h"
#include "ops/ops.h"

namespace cw {

enum class Reduction : uint8_t { mean, sum };

struct ContrastiveLoss {
  Tensor image, text;         // f32 [n,E], not normalised; kept as they are
  Tensor logit_scale;         // f32 [1,1]
  Tensor loss;                // f32 [1,1], written
  Tensor dimage, dtext;       // f32 [n,E], written; both empty: value only
  Tensor dlogit_scale;        // f32 [1,1]; needed with dimage
  Tensor loss_scale;          // f32 [1, LossScale::count], optional: what all gradients are multiplied by
  Reduction reduction = Reduction::mean;
  bool accumulate = false;  // concerns dlogit_scale
};

void contrastive_loss(Ops& ops, Arena& arena, const ContrastiveLoss& a);

}  // namespace cw
