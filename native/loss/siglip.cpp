#include "loss/siglip.h"

#include "loss/unit_features.h"

namespace cw {
namespace {

class SiglipPairLoss final : public PairLoss {
 public:
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override {
    const float weight = 1 / static_cast<float>(f.image.rows);
    with_unit_features(ops, arena, f, [&](const Tensor& image, const Tensor& text) {
      if (!f.dimage) {
        ops.sigmoid_loss({.image = image,
                          .text = text,
                          .logit_scale = p.logit_scale,
                          .logit_bias = p.logit_bias,
                          .groups = f.groups,
                          .loss = f.loss,
                          .weight = weight});
        return;
      }
      ops.sigmoid_loss_grad({.image = image,
                             .text = text,
                             .logit_scale = p.logit_scale,
                             .logit_bias = p.logit_bias,
                             .groups = f.groups,
                             .loss_scale = f.loss_scale,
                             .loss = f.loss,
                             .dimage = f.dimage,
                             .dtext = f.dtext,
                             .dlogit_scale = p.dlogit_scale,
                             .dlogit_bias = p.dlogit_bias,
                             .weight = weight,
                             .accumulate = p.accumulate});
    });
  }
};

}  // namespace

std::unique_ptr<PairLoss> make_siglip(const PairLossSpec&) { return std::make_unique<SiglipPairLoss>(); }

}  // namespace cw
