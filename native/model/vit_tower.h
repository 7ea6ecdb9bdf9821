// ViT: patch embedding, class token, positions, ln_pre, blocks, then of each image one row, its class token or the mean of
// its patches, with ln_post before or after that, and projection. Source: open_clip transformer.py VisionTransformer.
// N images, G patches each, T rows of all of them, of which R leave the blocks; D width, E embed_dim.
#pragma once
#include "model/vision_tower.h"
#include "nn/transformer.h"

namespace cw {

class VitTower final : public VisionTower {
 public:
  VitTower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);

  /// Throws invalid_argument naming the field that cannot be.
  static void validate(const VisionConfig& config, int64_t embed_dim);

  std::unique_ptr<VisionTower::Saved> make_saved() const override { return std::make_unique<Saved>(); }
  void forward(const Context& c, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const override;
  void backward(const Context& c, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const override;

 private:
  /// What lies below the blocks.
  bool stem_learns() const {
    return conv1_.learns() || class_embedding_->trainable || positions_->trainable || (config_.ln_pre && ln_pre_.learns());
  }

  struct Saved final : VisionTower::Saved {
    Tensor patches;  // [P, 3·patch²] of the patches that are there
    NormLayer::Saved ln_pre, ln_post;
    Transformer::Saved blocks;
    Tensor pooled;  // [N,D] the projection's input
  };
  bool mean() const { return config_.pool == ImagePool::mean; }
  /// The last block computes the class tokens only, where nothing else is pooled.
  RowSubset last_rows(const VisionInput& in) const { return mean() ? RowSubset{} : in.pooled; }
  Tensor pool(const Context& c, const VisionInput& in, Tensor rows, Saved& s) const;
  void pool_backward(const Context& c, const VisionInput& in, const Saved& s, Tensor dpooled, Tensor drows) const;

  VisionConfig config_;
  LinearLayer conv1_, proj_;
  Parameter* class_embedding_;
  Parameter* positions_;
  NormLayer ln_pre_;  // or none
  NormLayer ln_post_;
  Transformer blocks_;
};

}  // namespace cw
