// sigmoid_loss_grad of 16-bit features in two sweeps, for dimage and for dtext; the first also sums up the loss. Nothing has to
// be known of a line before, so that there is no forward sweep.
#include "ops/cuda/device/sigmoid_rule.cuh"
#include "ops/cuda/kernels/pair_sweep_sides.h"

namespace cw {

bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const SigmoidLossGrad& op) {
  if (!sweeps_gradient(card, op.image)) return false;
  const auto* groups = op.groups.as<const int32_t>();
  const auto* own_groups = groups ? groups + op.row_offset : nullptr;
  const int n = static_cast<int>(op.image.rows), m = static_cast<int>(op.text.rows);
  const SigmoidGradients rule{op.logit_scale.as<const float>(), op.logit_bias.as<const float>(), op.loss_scale.as<const float>(),
                              op.weight};
  const Tensor image = whole_slices(work, stream, op.image), text = whole_slices(work, stream, op.text);
  using Side = SweepSide<SigmoidGradients>;
  Side images{image, text, op.dimage, {n, m, op.row_offset, own_groups, groups}, rule, {}};
  const Side texts{text, image, op.dtext, {m, n, -op.row_offset, groups, own_groups}, rule, {}};
  images.sums = work.take(Side::kSums, images.blocks(card), DType::f32);
  gradient(work, stream, card, images);
  gradient(work, stream, card, texts);
  if (!work.live()) return true;
  add_sums(stream, images.sums.row_range(0, 1), op.dlogit_scale, op.accumulate);
  if (op.dlogit_bias) add_sums(stream, images.sums.row_range(1, 1), op.dlogit_bias, op.accumulate);
  if (op.loss) add_sums(stream, images.sums.row_range(2, 1), op.loss, false);
  return true;
}

}  // namespace cw
