#include "loss/info_nce.h"

#include "core/names.h"
#include "loss/unit_features.h"

namespace cw {
namespace {

enum class Reduction : uint8_t { mean, sum };

constexpr Named<Reduction> kReductions[] = {{"mean", Reduction::mean}, {"sum", Reduction::sum}};

class InfoNcePairLoss final : public PairLoss {
 public:
  explicit InfoNcePairLoss(Reduction reduction) : reduction_(reduction) {}
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override;

 private:
  Reduction reduction_;
};

void InfoNcePairLoss::run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const {
  const Frame frame(arena);
  const auto vector = [&](int64_t count) { return arena.take(1, count, DType::f32); };
  with_unit_features(ops, arena, f, [&](const UnitFeatures& unit) {
    const int64_t n = unit.image.rows;
    const Tensor row_lse = vector(n), col_lse = vector(unit.all), diagonal = vector(n);
    ops.info_nce({.image = unit.image,
                  .text = unit.text,
                  .logit_scale = p.logit_scale,
                  .groups = f.groups,
                  .row_lse = row_lse,
                  .col_lse = col_lse,
                  .diagonal = diagonal,
                  .row_offset = unit.first});
    if (unit.shared) ops.merge_lse({.x = col_lse});
    const float weight = (reduction_ == Reduction::mean ? 0.5f : 1.0f) / static_cast<float>(unit.all);
    ops.info_nce_loss({.row_lse = row_lse,
                       .col_lse = col_lse,
                       .diagonal = diagonal,
                       .loss = f.loss,
                       .weight = weight,
                       .row_offset = unit.first});
    if (unit.shared) ops.all_reduce({.x = f.loss});
    keep_statistics(ops, f, row_lse, col_lse, diagonal, unit.first);
    if (!f.dimage) return;
    ops.info_nce_grad({.image = unit.image,
                       .text = unit.text,
                       .logit_scale = p.logit_scale,
                       .groups = f.groups,
                       .row_lse = row_lse,
                       .col_lse = col_lse,
                       .loss_scale = f.loss_scale,
                       .dimage = f.dimage,
                       .dtext = unit.dtext,
                       .dlogit_scale = p.dlogit_scale,
                       .weight = weight,
                       .row_offset = unit.first,
                       .accumulate = p.accumulate});
  });
  // A softmax does not see what is added to all logits.
  if (f.dimage && p.dlogit_bias && !p.accumulate) ops.fill({.y = p.dlogit_bias, .value = 0});
}

}  // namespace

std::unique_ptr<PairLoss> make_info_nce(const PairLossSpec& spec) {
  return std::make_unique<InfoNcePairLoss>(named(kReductions, spec.option("reduction"), "loss.reduction"));
}

}  // namespace cw
