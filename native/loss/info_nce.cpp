#include "loss/contrastive.h"

namespace cw {

void contrastive_loss(Ops& ops, Arena& arena, const ContrastiveLoss& a) {
  const int64_t n = a.image.rows, e = a.image.cols;
  const Frame frame(arena);
  const auto take = [&](int64_t rows, int64_t cols) { return arena.take(rows, cols, DType::f32); };

  const Tensor image = take(n, e), text = take(n, e);
  const Tensor image_inv = take(1, n), text_inv = take(1, n);
  ops.l2_normalize({.x = a.image, .y = image, .inv_norm = image_inv});
  ops.l2_normalize({.x = a.text, .y = text, .inv_norm = text_inv});

  const Tensor row_lse = take(1, n), col_lse = take(1, n), diagonal = take(1, n);
  ops.info_nce({.image = image,
                .text = text,
                .logit_scale = a.logit_scale,
                .row_lse = row_lse,
                .col_lse = col_lse,
                .diagonal = diagonal});
  const float weight = (a.reduction == Reduction::mean ? 0.5f : 1.0f) / static_cast<float>(n);
  ops.info_nce_loss({.row_lse = row_lse, .col_lse = col_lse, .diagonal = diagonal, .loss = a.loss, .weight = weight});
  if (!a.dimage) return;

  ops.info_nce_grad({.image = image,
                     .text = text,
                     .logit_scale = a.logit_scale,
                     .row_lse = row_lse,
                     .col_lse = col_lse,
                     .loss_scale = a.loss_scale,
                     .dimage = a.dimage,
                     .dtext = a.dtext,
                     .dlogit_scale = a.dlogit_scale,
                     .weight = weight,
                     .accumulate = a.accumulate});
  ops.l2_normalize_grad({.y = image, .inv_norm = image_inv, .dy = a.dimage, .dx = a.dimage});
  ops.l2_normalize_grad({.y = text, .inv_norm = text_inv, .dy = a.dtext, .dx = a.dtext});
}

}  // namespace cw
