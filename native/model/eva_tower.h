// timm's Eva towers: EVA, EVA-02 and Perception Encoder. A ViT whose attention may be rotary, whose blocks may have SwiGLU and
// norms within or behind their branches, and of whose rows the class token is taken, or what a learned query sees.
// Source: timm eva.py Eva. N images, T rows of all of them, D width, E embed_dim.
#pragma once
#include <optional>

#include "model/patch_stem.h"
#include "nn/attention_pool.h"
#include "nn/transformer.h"

namespace cw {

class EvaTower final : public VisionTower {
 public:
  EvaTower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);

  /// Throws invalid_argument naming the field that cannot be.
  static void validate(const VisionConfig& config, int64_t embed_dim);

  std::unique_ptr<VisionTower::Saved> make_saved() const override { return std::make_unique<Saved>(); }
  void forward(const Context& c, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const override;
  void backward(const Context& c, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const override;

 private:
  struct Saved final : VisionTower::Saved {
    PatchStem::Saved stem;
    Transformer::Saved blocks;
    NormLayer::Saved norm;
    AttentionPool::Saved pool;
    Tensor pooled;  // [N,D] the head's input
  };

  /// As the attention of this batch's pictures turns.
  static Context turning(Context own, const VisionInput& in) {
    own.rotation = {.table = in.rotations, .position_ids = in.position_ids};
    return own;
  }
  /// The last block computes the class tokens only, where nothing else is pooled.
  RowSubset last_rows(const VisionInput& in) const { return pool_ ? RowSubset{} : in.pooled; }

  VisionConfig config_;
  PatchStem stem_;
  Transformer blocks_;
  NormLayer norm_;
  std::optional<AttentionPool> pool_;
  LinearLayer head_;
};

}  // namespace cw
