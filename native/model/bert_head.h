// From a BERT encoder's rows to features: pooler, optional final norm, projection. S captions, R rows (S pooled ones, or
// all T for a mean), D width, E embed_dim. Sources: transformers BertPooler, open_clip hf_model.py HFTextEncoder.
#pragma once
#include "model/config.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace cw {

class BertHead {
 public:
  BertHead(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

  struct Saved {
    Tensor rows;        // [S,D] the pooled ones, kept by reference
    Tensor pooled;      // [S,D] after the pooler
    Tensor projected;   // [S,D] the projection's input
    NormLayer::Saved ln_final;
    Mlp::Saved mlp;
  };

  /// Whether the encoder's last layer gives one row a caption, or all of them.
  bool takes_one_row() const { return config_.pooler != Pooler::mean; }

  /// features f32 [S,E] of rows [R,D].
  void forward(const Context& c, const Sequences& seq, Tensor rows, Tensor features, Saved& s) const;
  /// drows [R,D] of dfeatures.
  void backward(const Context& c, const Sequences& seq, const Saved& s, Tensor dfeatures, Tensor drows) const;

 private:
  Tensor pool(const Context& c, const Sequences& seq, Tensor rows, Saved& s) const;
  void pool_backward(const Context& c, const Sequences& seq, const Saved& s, Tensor dpooled, Tensor drows) const;

  BertConfig config_;
  LinearLayer dense_;
  NormLayer ln_final_;
  LinearLayer linear_;
  Mlp mlp_;
};

}  // namespace cw
