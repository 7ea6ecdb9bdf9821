#include "loss/siglip.h"

#include "loss/unit_features.h"

namespace cw {
namespace {

/// This loss has no softmax, but who else fits a pair's halves is asked of the same logits; a bias changes nothing of that.
void keep_statistics_of(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p, const UnitFeatures& unit) {
  if (!f.statistics) return;
  const int64_t n = unit.image.rows;
  const Frame frame(arena);
  const InfoNce op{.image = unit.image,
                   .text = unit.text,
                   .logit_scale = p.logit_scale,
                   .groups = f.groups,
                   .row_lse = arena.take(1, n, DType::f32),
                   .col_lse = arena.take(1, unit.all, DType::f32),
                   .diagonal = arena.take(1, n, DType::f32),
                   .row_offset = unit.first};
  ops.info_nce(op);
  if (unit.shared) ops.merge_lse({.x = op.col_lse});
  keep_statistics(ops, f, op.row_lse, op.col_lse, op.diagonal, unit.first);
}

class SiglipPairLoss final : public PairLoss {
 public:
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override {
    with_unit_features(ops, arena, f, [&](const UnitFeatures& unit) {
      keep_statistics_of(ops, arena, f, p, unit);
      const float weight = 1 / static_cast<float>(unit.all);
      if (!f.dimage)
        ops.sigmoid_loss({.image = unit.image,
                          .text = unit.text,
                          .logit_scale = p.logit_scale,
                          .logit_bias = p.logit_bias,
                          .groups = f.groups,
                          .loss = f.loss,
                          .weight = weight,
                          .row_offset = unit.first});
      else
        ops.sigmoid_loss_grad({.image = unit.image,
                               .text = unit.text,
                               .logit_scale = p.logit_scale,
                               .logit_bias = p.logit_bias,
                               .groups = f.groups,
                               .loss_scale = f.loss_scale,
                               .loss = f.loss,
                               .dimage = f.dimage,
                               .dtext = unit.dtext,
                               .dlogit_scale = p.dlogit_scale,
                               .dlogit_bias = p.dlogit_bias,
                               .weight = weight,
                               .row_offset = unit.first,
                               .accumulate = p.accumulate});
      if (unit.shared) ops.all_reduce({.x = f.loss});
    });
  }
};

}  // namespace

std::unique_ptr<PairLoss> make_siglip(const PairLossSpec&) { return std::make_unique<SiglipPairLoss>(); }

}  // namespace cw
