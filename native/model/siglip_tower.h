// SigLIP's image tower: a ViT without class token and without ln_pre, whose rows one learned query pools.
// Source: timm vision_transformer.py VisionTransformer with global_pool 'map'; transformers SiglipVisionModel.
// N images, G patches each, T = N·G rows, D width, which is embed_dim.
#pragma once
#include "model/patch_stem.h"
#include "nn/attention_pool.h"
#include "nn/transformer.h"

namespace cw {

class SiglipTower final : public VisionTower {
 public:
  SiglipTower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);

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
  };

  VisionConfig config_;
  PatchStem stem_;
  Transformer blocks_;
  NormLayer norm_;
  AttentionPool pool_;
};

}  // namespace cw
