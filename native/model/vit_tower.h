// ViT: patch embedding, class token, positions, ln_pre, blocks, then of each image one row, its class token or the mean of
// its patches, with ln_post before or after that, and projection. Source: open_clip transformer.py VisionTransformer.
// N images, G patches each, T rows of all of them, of which R leave the blocks; D width, E embed_dim.
#pragma once
#include "model/patch_stem.h"
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
    PatchStem::Saved stem;
    NormLayer::Saved ln_post;
    Transformer::Saved blocks;
    Tensor pooled;  // [N,D] the projection's input
  };
  bool mean() const { return config_.pool == ImagePool::mean; }
  /// The last block computes the class tokens only, where nothing else is pooled.
  RowSubset last_rows(const VisionInput& in) const { return mean() ? RowSubset{} : in.pooled; }
  Tensor pool(const Context& c, const VisionInput& in, Tensor rows, Saved& s) const;
  void pool_backward(const Context& c, const VisionInput& in, const Saved& s, Tensor dpooled, Tensor drows) const;

  VisionConfig config_;
  LinearLayer proj_;
  PatchStem stem_;
  NormLayer ln_post_;
  Transformer blocks_;
};

}  // namespace cw
