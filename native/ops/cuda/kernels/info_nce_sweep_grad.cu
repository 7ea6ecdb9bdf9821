// info_nce_grad of 16-bit features in two sweeps, for dimage and for dtext.
#include "ops/cuda/device/info_nce_rule.cuh"
#include "ops/cuda/kernels/pair_sweep_sides.h"

namespace cw {

bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const InfoNceGrad& op) {
  if (!sweeps_gradient(card, op.image)) return false;
  const auto* groups = op.groups.as<const int32_t>();
  const auto* own_groups = groups ? groups + op.row_offset : nullptr;
  const auto *row_lse = op.row_lse.as<const float>(), *col_lse = op.col_lse.as<const float>();
  const int n = static_cast<int>(op.image.rows), m = static_cast<int>(op.text.rows);
  const auto rule = [&](const float* rows, const float* cols) {
    return InfoNceGradients{op.logit_scale.as<const float>(), op.loss_scale.as<const float>(), rows, cols, op.weight};
  };
  const Tensor image = whole_slices(work, stream, op.image), text = whole_slices(work, stream, op.text);
  using Side = SweepSide<InfoNceGradients>;
  Side images{image, text, op.dimage, {n, m, op.row_offset, own_groups, groups}, rule(row_lse, col_lse), {}};
  const Side texts{text, image, op.dtext, {m, n, -op.row_offset, groups, own_groups}, rule(col_lse, row_lse), {}};
  images.sums = work.take(Side::kSums, images.blocks(card), DType::f32);
  gradient(work, stream, card, images);
  gradient(work, stream, card, texts);
  if (work.live()) add_sums(stream, images.sums, op.dlogit_scale, op.accumulate);
  return true;
}

}  // namespace cw
