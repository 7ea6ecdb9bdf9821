// BERT's residual block: LN(x + attention(x)), then LN(· + mlp(·)), each branch through dropout where the tower has it.
// D width, T packed tokens, R rows asked for.
// Source: transformers modeling_bert.py BertLayer.
#pragma once
#include "nn/block.h"

namespace cw {

class PostNormBlock {
 public:
  /// Names as transformers: prefix.attention.self.query.weight, prefix.output.LayerNorm.weight ...
  PostNormBlock(Parameters& parameters, const std::string& prefix, const BlockConfig& config, const BlockInit& init);

  struct Saved {
    SelfAttention::Saved attention;
    Mlp::Saved mlp;
    NormLayer::Saved attention_norm, output_norm;
  };

  /// As Block's, dx empty likewise.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s) const;
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy, Tensor dx) const;

  bool learns() const { return attention_norm_.learns() || output_norm_.learns() || attention_.learns() || mlp_.learns(); }

 private:
  /// What backward reads and checkpointing did not keep.
  void remake(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const;

  SelfAttention attention_;
  Mlp mlp_;
  DropoutLayer attention_dropout_, mlp_dropout_;  // of what they give
  NormLayer attention_norm_, output_norm_;
};

}  // namespace cw
