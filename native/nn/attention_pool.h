// One learned query that looks at all rows of a sequence, and a residual MLP behind it: SigLIP's head.
// Source: timm attention_pool.py AttentionPoolLatent; transformers SiglipMultiheadAttentionPoolingHead. D width, T packed rows,
// S sequences.
#pragma once
#include <string>

#include "nn/attention.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace cw {

struct AttentionPoolConfig {
  int64_t width = 0, heads = 0, mlp_width = 0;
  Act act = Act::gelu;
  float layer_norm_eps = 1e-6f;
  float init_std = 0.02f;  // of matrices
};

class AttentionPool {
 public:
  /// prefix.latent, prefix.attn.in_proj_weight (q, k and v below one another) ..., prefix.ln.weight, prefix.mlp.c_fc.weight ...
  AttentionPool(Parameters& parameters, const std::string& prefix, const AttentionPoolConfig& config);

  struct Saved {
    Tensor x;          // [T,D] kept by reference
    Tensor q, kv;      // [S,D], [T,2D]
    Tensor y, lse;     // [S,D], f32 [H,S]
    NormLayer::Saved ln;
    Mlp::Saved mlp;
  };

  /// y [S,D] of x [T,D]. one_row_each: an asked-for row in each sequence, which is S times row 0 of the latents.
  void forward(const Context& c, const Sequences& seq, const RowSubset& one_row_each, Tensor x, Tensor y, Saved& s) const;
  /// dx [T,D] of dy [S,D]; empty where nobody wants it.
  void backward(const Context& c, const Sequences& seq, const RowSubset& one_row_each, const Saved& s, Tensor dy, Tensor dx) const;

 private:
  Features q_part() const { return {0, width_}; }
  Features kv_part() const { return {width_, 2 * width_}; }

  int64_t width_, heads_;
  Parameter* latent_;  // [1,1,D]
  LinearLayer in_proj_, out_proj_;
  NormLayer ln_;
  Mlp mlp_;
};

}  // namespace cw
