// CLIP's causal text transformer, pooled at EOT. Source: open_clip transformer.py TextTransformer, OpenAI's names.
// T packed tokens (nothing after EOT), S captions, D width, E embed_dim.
#pragma once
#include "model/config.h"
#include "nn/transformer.h"

namespace cw {

struct TextInput {
  Tensor ids, position_ids;  // i32 [1,T]
  Sequences sequences;
  RowSubset pooled;  // one row for each caption
};

class TextTower {
 public:
  TextTower(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

  struct Saved {
    NormLayer::Saved ln_final;
    Transformer::Saved blocks;
    Tensor pooled;  // [S,D] ln_final's output
  };

  /// features f32 [S,E], not normalised.
  void forward(const Context& c, const TextInput& in, Tensor features, Saved& s) const;
  void backward(const Context& c, const TextInput& in, Saved& s, Tensor dfeatures) const;

  const TextConfig& config() const { return config_; }

 private:
  TextConfig config_;
  Parameter* token_embedding_;
  Parameter* positions_;
  Transformer blocks_;
  NormLayer ln_final_;
  LinearLayer projection_;
};

}  // namespace cw
