#include "nn/block.h"

namespace cw {

Block::Block(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init)
    : attention_{.heads = config.heads, .causal = config.causal}, mlp_{.act = config.act} {
  const int64_t d = config.width, m = config.mlp_width;
  ln_1_ = NormLayer::add(p, prefix + ".ln_1", d, config.layer_norm_eps);
  attention_.in_proj.w = &p.add(prefix + ".attn.in_proj_weight", {3 * d, d}, init.in_proj);
  attention_.in_proj.b = &p.add(prefix + ".attn.in_proj_bias", {3 * d}, Init::constant(0));
  attention_.out_proj.w = &p.add(prefix + ".attn.out_proj.weight", {d, d}, init.out_proj);
  attention_.out_proj.b = &p.add(prefix + ".attn.out_proj.bias", {d}, Init::constant(0));
  ln_2_ = NormLayer::add(p, prefix + ".ln_2", d, config.layer_norm_eps);
  mlp_.fc.w = &p.add(prefix + ".mlp.c_fc.weight", {m, d}, init.c_fc);
  mlp_.fc.b = &p.add(prefix + ".mlp.c_fc.bias", {m}, init.c_fc_bias);
  mlp_.proj.w = &p.add(prefix + ".mlp.c_proj.weight", {d, m}, init.c_proj);
  mlp_.proj.b = &p.add(prefix + ".mlp.c_proj.bias", {d}, init.c_proj_bias);
}

void Block::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
                    bool recompute) const {
  const Tensor normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  const Tensor mid = c.take(y.rows, y.cols);
  attention_.forward(c, seq, subset, normed, x, mid, s.attention);
  const Tensor normed_2 = c.take(y.rows, y.cols);
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  mlp_.forward(c, normed_2, mid, recompute ? Tensor{} : y, s.mlp);
}

void Block::backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                     Tensor dx, Tensor dx_sum) const {
  const Frame frame(c.arena);
  const Tensor dmid = c.take(dy.rows, dy.cols);  // gradient of x + attn
  {
    const Frame mlp(c.arena);
    const Tensor dnormed = c.take(dy.rows, dy.cols);
    mlp_.backward(c, s.mlp, dy, dnormed);
    ln_2_.backward(c, s.ln_2, dnormed, dmid, dy, attention_.out_proj.bias_grad());
  }
  const Tensor dnormed = c.take(dx.rows, dx.cols);
  attention_.backward(c, seq, subset, s.attention, dmid, dnormed);
  if (subset) {
    ln_1_.backward(c, s.ln_1, dnormed, dx);
    c.ops.scatter_add_rows({.x = dmid, .rows = subset.rows, .y = dx});
    sum_columns(c, dx, dx_sum);
  } else {
    ln_1_.backward(c, s.ln_1, dnormed, dx, dmid, dx_sum);
  }
}

}  // namespace cw
