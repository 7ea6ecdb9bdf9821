// A pre-norm residual block: x + attn(ln_1(x)), then + mlp(ln_2(·)). D width, T packed tokens, R rows asked for.
#pragma once
#include <string>

#include "nn/linear.h"
#include "nn/norm.h"

namespace cw {

/// Which rows of the packed tokens a block's output has. Absent: all, R = T.
struct RowSubset {
  Tensor rows;      // i32 [1,R] packed rows, distinct
  Queries queries;  // the same rows as attention wants them

  explicit operator bool() const { return static_cast<bool>(rows); }
};

struct BlockConfig {
  int64_t width = 0, heads = 0, mlp_width = 0;
  Act act = Act::gelu;
  bool causal = false;
  float layer_norm_eps = 1e-5f;
};

/// Standard deviations or bounds of a block's initial weights.
struct BlockInit {
  Init in_proj, out_proj, c_fc, c_proj, c_fc_bias, c_proj_bias;
};

class Block {
 public:
  /// Names as open_clip: prefix.attn.in_proj_weight, prefix.ln_1.weight, prefix.mlp.c_fc.weight ...
  Block(Parameters& parameters, const std::string& prefix, const BlockConfig& config, const BlockInit& init);

  struct Saved {
    NormLayer::Saved ln_1, ln_2;
    Tensor normed;          // [T,D] ln_1(x)
    Tensor normed_rows;     // [R,D] of it, when a subset asks
    Tensor qkv;             // [T,3D]; [T,2D] (k, v) when a subset asks
    Tensor q;               // [R,D]
    Tensor attn, lse;       // [R,D], f32 [H,R]
    Tensor normed_2;        // [R,D]
    Tensor pre, hidden;     // [R,M] before and after the activation
  };

  /// y [R,D] of x [T,D]. When training, x and y must live until backward.
  /// recompute: fills Saved again and leaves y as it is.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
               bool recompute = false) const;

  /// dx [T,D] of dy [R,D].
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                Tensor dx) const;

 private:
  Features q_part() const { return {0, config_.width}; }
  Features kv_part() const { return {config_.width, 2 * config_.width}; }
  void attention_backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dmid,
                          Tensor dnormed) const;

  BlockConfig config_;
  NormLayer ln_1_, ln_2_;
  LinearLayer in_proj_, out_proj_, c_fc_, c_proj_;
};

}  // namespace cw
