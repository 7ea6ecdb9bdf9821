// CLIP's text transformer, causal unless its configuration takes the mask away, pooled at one row of each caption.
// Source: open_clip transformer.py TextTransformer, OpenAI's names. T packed tokens (with the mask, nothing after the pooled
// one), S captions, D width, E embed_dim.
#pragma once
#include "model/text_tower.h"
#include "nn/transformer.h"

namespace cw {

class CausalTower final : public TextTower {
 public:
  CausalTower(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

  /// Throws invalid_argument naming the field that cannot be.
  static void validate(const TextConfig& config, int64_t embed_dim);

  std::unique_ptr<TextTower::Saved> make_saved() const override { return std::make_unique<Saved>(); }
  void forward(const Context& c, const TextInput& in, Tensor features, TextTower::Saved& saved) const override;
  void backward(const Context& c, const TextInput& in, TextTower::Saved& saved, Tensor dfeatures) const override;

 private:
  struct Saved final : TextTower::Saved {
    NormLayer::Saved ln_final;
    Transformer::Saved blocks;
    Tensor pooled;  // [S,D] ln_final's output
  };

  TextConfig config_;
  Parameter* token_embedding_;
  Parameter* positions_;
  Transformer blocks_;
  NormLayer ln_final_;
  LinearLayer projection_;  // none: features are ln_final's output
};

}  // namespace cw
