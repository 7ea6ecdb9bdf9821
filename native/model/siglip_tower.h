// SigLIP's image tower: a ViT without class token and without ln_pre, whose rows one learned query pools.
// Source: timm vision_transformer.py VisionTransformer with global_pool 'map'; transformers SiglipVisionModel.
// N images, G patches each, T = N·G rows, D width, which is embed_dim.
#pragma once
#include "model/vision_tower.h"
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
    Tensor patches;  // [N·G, 3·patch²]
    Transformer::Saved blocks;
    NormLayer::Saved norm;
    AttentionPool::Saved pool;
  };

  /// What lies below the blocks.
  bool stem_learns() const { return embedding_.learns() || positions_->trainable; }
  /// [1,G,D] as its G rows: they come in the order of the patches.
  Tensor position_rows(const Tensor& all) const { return Tensor::of(all.data, all.dtype, config_.patches(), config_.width); }
  Tensor position_rows() const { return position_rows(positions_->weight.master); }

  VisionConfig config_;
  LinearLayer embedding_;
  Parameter* positions_;
  Transformer blocks_;
  NormLayer norm_;
  AttentionPool pool_;
};

}  // namespace cw
