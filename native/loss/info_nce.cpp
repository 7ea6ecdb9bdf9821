#include "loss/info_nce.h"

#include "core/names.h"

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
  const int64_t n = f.image.rows, e = f.image.cols;
  const Frame frame(arena);
  const auto take = [&](int64_t rows, int64_t cols) { return arena.take(rows, cols, DType::f32); };

  const Tensor image = take(n, e), text = take(n, e);
  const Tensor image_inv = take(1, n), text_inv = take(1, n);
  ops.l2_normalize({.x = f.image, .y = image, .inv_norm = image_inv});
  ops.l2_normalize({.x = f.text, .y = text, .inv_norm = text_inv});

  const Tensor row_lse = take(1, n), col_lse = take(1, n), diagonal = take(1, n);
  ops.info_nce({.image = image,
                .text = text,
                .logit_scale = p.logit_scale,
                .row_lse = row_lse,
                .col_lse = col_lse,
                .diagonal = diagonal});
  const float weight = (reduction_ == Reduction::mean ? 0.5f : 1.0f) / static_cast<float>(n);
  ops.info_nce_loss({.row_lse = row_lse, .col_lse = col_lse, .diagonal = diagonal, .loss = f.loss, .weight = weight});
  if (!f.dimage) return;

  ops.info_nce_grad({.image = image,
                     .text = text,
                     .logit_scale = p.logit_scale,
                     .row_lse = row_lse,
                     .col_lse = col_lse,
                     .loss_scale = f.loss_scale,
                     .dimage = f.dimage,
                     .dtext = f.dtext,
                     .dlogit_scale = p.dlogit_scale,
                     .weight = weight,
                     .accumulate = p.accumulate});
  ops.l2_normalize_grad({.y = image, .inv_norm = image_inv, .dy = f.dimage, .dx = f.dimage});
  ops.l2_normalize_grad({.y = text, .inv_norm = text_inv, .dy = f.dtext, .dx = f.dtext});
}

}  // namespace

std::unique_ptr<PairLoss> make_info_nce(const PairLossSpec& spec) {
  return std::make_unique<InfoNcePairLoss>(named(kReductions, spec.option("reduction"), "loss.reduction"));
}

}  // namespace cw
