// ViT: patch embedding, class token, learned positions, ln_pre, blocks, ln_post on the class token, projection.
// Source: open_clip transformer.py VisionTransformer. N images, G patches each, T = N·(G+1) rows, D width, E embed_dim.
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
  struct Saved final : VisionTower::Saved {
    Tensor patches;  // [N·G, 3·patch²]
    NormLayer::Saved ln_pre, ln_post;
    Transformer::Saved blocks;
    Tensor pooled;  // [N,D] ln_post's output
  };

  VisionConfig config_;
  LinearLayer conv1_, proj_;
  Parameter* class_embedding_;
  Parameter* positions_;
  NormLayer ln_pre_, ln_post_;
  Transformer blocks_;
};

}  // namespace cw
