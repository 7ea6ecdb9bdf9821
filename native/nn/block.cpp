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
  if (config.layer_scale) ls_1_ = LayerScaleLayer::add(p, prefix + ".ls_1", d, *config.layer_scale);
  ln_2_ = NormLayer::add(p, prefix + ".ln_2", d, config.layer_norm_eps);
  mlp_.fc.w = &p.add(prefix + ".mlp.c_fc.weight", {m, d}, init.c_fc);
  mlp_.fc.b = &p.add(prefix + ".mlp.c_fc.bias", {m}, init.c_fc_bias);
  mlp_.proj.w = &p.add(prefix + ".mlp.c_proj.weight", {d, m}, init.c_proj);
  mlp_.proj.b = &p.add(prefix + ".mlp.c_proj.bias", {d}, init.c_proj_bias);
  if (config.layer_scale) ls_2_ = LayerScaleLayer::add(p, prefix + ".ls_2", d, *config.layer_scale);
}

void Block::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
                    bool recompute) const {
  if (ls_1_) return scaled_forward(c, seq, subset, x, y, s, recompute);
  const Tensor normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  const Tensor mid = c.take(y.rows, y.cols);
  attention_.forward(c, seq, subset, normed, x, mid, s.attention);
  const Tensor normed_2 = c.take(y.rows, y.cols);
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  mlp_.forward(c, normed_2, mid, recompute ? Tensor{} : y, s.mlp);
}

void Block::scaled_forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
                           bool recompute) const {
  const auto rows = [&] { return c.take(y.rows, y.cols); };
  const Tensor normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  const Tensor attended = rows(), mid = rows();
  attention_.forward(c, seq, subset, normed, {}, attended, s.attention);
  if (subset) c.ops.gather_rows({.x = x, .rows = subset.rows, .y = mid});
  ls_1_.forward(c, attended, subset ? mid : x, mid, s.ls_1);
  const Tensor normed_2 = rows();
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  const Tensor branch = rows();
  mlp_.forward(c, normed_2, {}, branch, s.mlp);
  ls_2_.forward(c, branch, mid, recompute ? Tensor{} : y, s.ls_2);
}

void Block::backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                     Tensor dx, Tensor dx_sum) const {
  const Frame frame(c.arena);
  const bool first_branch = dx || ln_1_.learns() || attention_.learns() || ls_1_.learns();
  const Tensor dmid = c.take(dy.rows, dy.cols);  // gradient of x + attn
  {
    const Frame mlp(c.arena);
    const Tensor dnormed = first_branch || ln_2_.learns() ? c.take(dy.rows, dy.cols) : Tensor{};
    Tensor dbranch = dy;
    if (ls_2_) ls_2_.backward(c, s.ls_2, dy, dbranch = c.take(dy.rows, dy.cols), mlp_.proj.bias_grad());
    mlp_.backward(c, s.mlp, dbranch, dnormed);
    if (dnormed) ln_2_.backward(c, s.ln_2, dnormed, dmid, dy, ls_1_ ? Tensor{} : attention_.out_proj.bias_grad());
  }
  if (!first_branch) return;
  Tensor dbranch = dmid;
  if (ls_1_) ls_1_.backward(c, s.ls_1, dmid, dbranch = c.take(dy.rows, dy.cols), attention_.out_proj.bias_grad());
  const Tensor dnormed = dx || ln_1_.learns() ? c.take(s.attention.x.rows, dy.cols) : Tensor{};
  attention_.backward(c, seq, subset, s.attention, dbranch, dnormed);
  if (!dx) {
    if (dnormed) ln_1_.backward(c, s.ln_1, dnormed, dnormed);
  } else if (subset) {
    ln_1_.backward(c, s.ln_1, dnormed, dx);
    c.ops.scatter_add_rows({.x = dmid, .rows = subset.rows, .y = dx});
    sum_columns(c, dx, dx_sum);
  } else {
    ln_1_.backward(c, s.ln_1, dnormed, dx, dmid, dx_sum);
  }
}

}  // namespace cw
