// A pre-norm residual block: x + attn(ln_1(x)), then + mlp(ln_2(·)), each branch scaled by columns where the tower has
// LayerScale; or with the norms of what the branches give, x + ln_1(attn(x)), then + ln_2(mlp(·)), as EVA-02's largest has it.
// D width, T packed tokens, R rows asked for.
#pragma once
#include <optional>
#include <string>

#include "nn/attention.h"
#include "nn/layer_scale.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace cw {

/// How q, k and v come of their input: one matrix and bias; the keys' without a bias; or a matrix each, the keys' without.
enum class QueryKeyValue : uint8_t { joint, joint_no_key_bias, apart };

struct BlockConfig {
  int64_t width = 0, heads = 0, mlp_width = 0;
  Act act = Act::gelu;
  bool causal = false;
  float layer_norm_eps = 1e-5f;
  std::optional<float> layer_scale;  // what its factors begin as
  float hidden_dropout = 0, attention_dropout = 0;  // rates, of post-norm blocks: of each branch, and of probabilities
  int64_t layer = 0;  // which block of its stack it is
  QueryKeyValue qkv = QueryKeyValue::joint;
  bool rotary = false;     // Context::rotation turns queries and keys
  bool swiglu = false;     // gated MLPs, and norms within both branches, before their last products (sub-LN)
  bool norm_last = false;  // norms of what the branches give
};

/// Standard deviations or bounds of a block's initial weights.
struct BlockInit {
  Init in_proj, out_proj, c_fc, c_proj, c_fc_bias, c_proj_bias;
  bool by_depth = false;  // out_proj and c_proj are divided by √(2·(layer + 1)), as BEiT and EVA begin
};

class Block {
 public:
  /// Names as open_clip: prefix.attn.in_proj_weight, prefix.ln_1.weight, prefix.mlp.c_fc.weight ...; parts that it does
  /// not have as timm's Eva: prefix.attn.q_proj.weight, prefix.mlp.fc1_g.weight ...
  Block(Parameters& parameters, const std::string& prefix, const BlockConfig& config, const BlockInit& init);

  struct Saved {
    NormLayer::Saved ln_1, ln_2;
    SelfAttention::Saved attention;
    Mlp::Saved mlp;
    LayerScaleLayer::Saved ls_1, ls_2;
  };

  /// y [R,D] of x [T,D]. When training, x and y must live until backward. With checkpointing Saved has afterwards q, k, v
  /// and what both branches gave; backward makes the norms, attention and the MLP's hidden units again.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s) const;

  /// dx [T,D] of dy [R,D]; dx_sum, if given, is a gradient that is the column sums of dx. dx empty: nothing below learns, so that
  /// the pass ends at the lowest layer of this block that does.
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy, Tensor dx,
                Tensor dx_sum) const;

  bool learns() const {
    return ln_1_.learns() || ln_2_.learns() || attention_.learns() || mlp_.learns() || ls_1_.learns() || ls_2_.learns();
  }

  /// A gradient that is the column sums of dy, and that backward leaves to what makes dy. Empty if it is not wanted.
  Tensor dy_sum() const { return ls_2_ || norm_last_ ? Tensor{} : mlp_.proj.bias_grad(); }

 private:
  void add_attention(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init);
  void add_mlp(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init);
  void scaled_forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s) const;
  void norm_last_forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s) const;
  void norm_last_backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy,
                          Tensor dx) const;
  /// mid = x + scaled attention.
  void scale_attention(const Context& c, const RowSubset& subset, Tensor x, Tensor attended, Tensor mid, Saved& s) const;
  /// What backward reads of either branch and checkpointing did not keep.
  void remake_mlp(const Context& c, const RowSubset& subset, Saved& s) const;
  void remake_attention(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const;
  void remake_norm_last(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const;

  bool norm_last_;
  NormLayer ln_1_, ln_2_;
  LayerScaleLayer ls_1_, ls_2_;  // both or none
  SelfAttention attention_;
  Mlp mlp_;
};

}  // namespace cw
