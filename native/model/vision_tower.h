// ViT: patch embedding, class token, learned positions, ln_pre, blocks, ln_post on the class token, projection.
// Source: open_clip transformer.py VisionTransformer. N images, G patches each, T = N·(G+1) rows, D width, E embed_dim.
#pragma once
#include "model/config.h"
#include "nn/transformer.h"

namespace cw {

struct VisionInput {
  Tensor images;                // u8 [N, H·W·3] or f32 [N, 3·H·W]
  Tensor source, position_ids;  // i32 [1,T] as VisionTokens wants them
  Sequences sequences;
  RowSubset pooled;  // the class tokens
};

class VisionTower {
 public:
  VisionTower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);

  struct Saved {
    Tensor patches;  // [N·G, 3·patch²]
    NormLayer::Saved ln_pre, ln_post;
    Transformer::Saved blocks;
    Tensor pooled;  // [N,D] ln_post's output
  };

  /// features f32 [N,E], not normalised.
  void forward(const Context& c, const VisionInput& in, Tensor features, Saved& s) const;
  void backward(const Context& c, const VisionInput& in, Saved& s, Tensor dfeatures) const;

  const VisionConfig& config() const { return config_; }

 private:
  VisionConfig config_;
  LinearLayer conv1_, proj_;
  Parameter* class_embedding_;
  Parameter* positions_;
  NormLayer ln_pre_, ln_post_;
  Transformer blocks_;
};

}  // namespace cw
