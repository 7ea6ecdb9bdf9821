#include "nn/block.h"

#include <cmath>

namespace cw {
namespace {

Init at_depth(Init matrix, const BlockConfig& config, const BlockInit& init) {
  if (init.by_depth) matrix.scale /= std::sqrt(2 * static_cast<float>(config.layer + 1));
  return matrix;
}

}  // namespace

Block::Block(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init)
    : norm_last_(config.norm_last),
      attention_{.heads = config.heads, .causal = config.causal, .rotary = config.rotary},
      mlp_{.act = config.act, .gated = config.swiglu} {
  const int64_t d = config.width;
  ln_1_ = NormLayer::add(p, prefix + ".ln_1", d, config.layer_norm_eps);
  add_attention(p, prefix + ".attn", config, init);
  if (config.layer_scale) ls_1_ = LayerScaleLayer::add(p, prefix + ".ls_1", d, *config.layer_scale);
  ln_2_ = NormLayer::add(p, prefix + ".ln_2", d, config.layer_norm_eps);
  add_mlp(p, prefix + ".mlp", config, init);
  if (config.layer_scale) ls_2_ = LayerScaleLayer::add(p, prefix + ".ls_2", d, *config.layer_scale);
}

void Block::add_attention(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init) {
  const int64_t d = config.width;
  const Init zero = Init::constant(0);
  const auto parts = [&](const char* q, const char* k, const char* v) {
    const std::string key = *k ? prefix + k : "";
    return std::vector<std::string>{prefix + q, key, prefix + v};
  };
  const bool apart = config.qkv == QueryKeyValue::apart;
  attention_.in_proj.w = apart ? &p.add_joined(parts(".q_proj.weight", ".k_proj.weight", ".v_proj.weight"), {d, d}, init.in_proj)
                               : &p.add(prefix + ".in_proj_weight", {3 * d, d}, init.in_proj);
  attention_.in_proj.b = apart ? &p.add_joined(parts(".q_proj.bias", "", ".v_proj.bias"), {d}, zero)
                         : config.qkv == QueryKeyValue::joint_no_key_bias
                             ? &p.add_joined(parts(".q_bias", "", ".v_bias"), {d}, zero)
                             : &p.add(prefix + ".in_proj_bias", {3 * d}, zero);
  if (config.swiglu) attention_.norm = NormLayer::add(p, prefix + ".ln", d, config.layer_norm_eps);
  attention_.out_proj.w = &p.add(prefix + ".out_proj.weight", {d, d}, at_depth(init.out_proj, config, init));
  attention_.out_proj.b = &p.add(prefix + ".out_proj.bias", {d}, zero);
}

void Block::add_mlp(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init) {
  const int64_t d = config.width, m = config.mlp_width;
  if (config.swiglu) {
    mlp_.fc.w = &p.add_joined({prefix + ".fc1_g.weight", prefix + ".fc1_x.weight"}, {m, d}, init.c_fc);
    mlp_.fc.b = &p.add_joined({prefix + ".fc1_g.bias", prefix + ".fc1_x.bias"}, {m}, init.c_fc_bias);
    mlp_.norm = NormLayer::add(p, prefix + ".ln", m, config.layer_norm_eps);
  } else {
    mlp_.fc.w = &p.add(prefix + ".c_fc.weight", {m, d}, init.c_fc);
    mlp_.fc.b = &p.add(prefix + ".c_fc.bias", {m}, init.c_fc_bias);
  }
  mlp_.proj.w = &p.add(prefix + ".c_proj.weight", {d, m}, at_depth(init.c_proj, config, init));
  mlp_.proj.b = &p.add(prefix + ".c_proj.bias", {d}, init.c_proj_bias);
}

void Block::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y,
                    Saved& s) const {
  if (ls_1_) return scaled_forward(c, seq, subset, x, y, s);
  if (norm_last_) return norm_last_forward(c, seq, subset, x, y, s);
  const Tensor mid = c.take(y.rows, y.cols);
  attention_.take_kept(c, x.rows, y.rows, subset, s.attention);
  const std::optional<Frame> passing = c.passing();
  const Tensor normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  attention_.forward(c, seq, subset, normed, x, mid, s.attention);
  const Tensor normed_2 = c.take(y.rows, y.cols);
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  mlp_.forward(c, normed_2, mid, y, s.mlp);
}

void Block::scaled_forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y,
                           Saved& s) const {
  const auto rows = [&] { return c.take(y.rows, y.cols); };
  const Tensor attended = rows(), branch = rows();
  attention_.take_kept(c, x.rows, y.rows, subset, s.attention);
  const std::optional<Frame> passing = c.passing();
  const Tensor normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  attention_.forward(c, seq, subset, normed, {}, attended, s.attention);
  const Tensor mid = rows(), normed_2 = rows();
  scale_attention(c, subset, x, attended, mid, s);
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  mlp_.forward(c, normed_2, {}, branch, s.mlp);
  ls_2_.forward(c, branch, mid, y, s.ls_2);
}

void Block::scale_attention(const Context& c, const RowSubset& subset, Tensor x, Tensor attended, Tensor mid, Saved& s) const {
  if (subset) c.ops.gather_rows({.x = x, .rows = subset.rows, .y = mid});
  ls_1_.forward(c, attended, subset ? mid : x, mid, s.ls_1);
}

void Block::norm_last_forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y,
                              Saved& s) const {
  const auto rows = [&] { return c.take(y.rows, y.cols); };
  const Tensor attended = rows(), branch = rows();
  attention_.take_kept(c, x.rows, y.rows, subset, s.attention);
  const std::optional<Frame> passing = c.passing();
  const Tensor mid = rows();
  attention_.forward(c, seq, subset, x, {}, attended, s.attention);
  ln_1_.forward(c, attended, mid, s.ln_1, subset ? s.attention.x_rows : x);
  mlp_.forward(c, mid, {}, branch, s.mlp);
  ln_2_.forward(c, branch, y, s.ln_2, mid);
}

void Block::remake_mlp(const Context& c, const RowSubset& subset, Saved& s) const {
  const auto rows = [&] { return c.take(s.attention.y.rows, s.attention.y.cols); };
  const Tensor mid = ls_1_ ? rows() : s.ln_2.x, normed_2 = rows();
  if (ls_1_) scale_attention(c, subset, s.ln_1.x, s.ls_1.x, mid, s);
  ln_2_.forward(c, mid, normed_2, s.ln_2);
  mlp_.forward(c, normed_2, {}, {}, s.mlp);
}

void Block::remake_attention(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const {
  const Tensor x = s.ln_1.x, normed = c.take(x.rows, x.cols);
  ln_1_.forward(c, x, normed, s.ln_1);
  attention_.attend(c, seq, subset, normed, s.attention);
}

void Block::remake_norm_last(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const {
  const auto rows = [&] { return c.take(s.attention.y.rows, s.attention.y.cols); };
  const Tensor mid = rows();
  attention_.attend(c, seq, subset, s.attention.x, s.attention);
  ln_1_.forward(c, s.ln_1.x, mid, s.ln_1, subset ? s.attention.x_rows : s.attention.x);
  mlp_.forward(c, mid, {}, {}, s.mlp);
  ln_2_.forward(c, s.ln_2.x, rows(), s.ln_2, mid);
}

void Block::norm_last_backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy,
                               Tensor dx) const {
  const Frame frame(c.arena);
  if (c.checkpointing) remake_norm_last(c, seq, subset, s);
  const Tensor dbranch = c.take(dy.rows, dy.cols), dmid = c.take(dy.rows, dy.cols);
  ln_2_.backward(c, s.ln_2, dy, dbranch, {}, mlp_.proj.bias_grad());
  mlp_.backward(c, s.mlp, dbranch, dmid, dy);
  ln_1_.backward(c, s.ln_1, dmid, dbranch, {}, attention_.out_proj.bias_grad());
  attention_.backward(c, seq, subset, s.attention, dbranch, dx, dmid);
}

void Block::backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy, Tensor dx,
                     Tensor dx_sum) const {
  if (norm_last_) return norm_last_backward(c, seq, subset, s, dy, dx);
  const Frame frame(c.arena);
  const bool first_branch = dx || ln_1_.learns() || attention_.learns() || ls_1_.learns();
  const Tensor dmid = c.take(dy.rows, dy.cols);  // gradient of x + attn
  {
    const Frame mlp(c.arena);
    if (c.checkpointing) remake_mlp(c, subset, s);
    const Tensor dnormed = first_branch || ln_2_.learns() ? c.take(dy.rows, dy.cols) : Tensor{};
    Tensor dbranch = dy;
    if (ls_2_) ls_2_.backward(c, s.ls_2, dy, dbranch = c.take(dy.rows, dy.cols), mlp_.proj.bias_grad());
    mlp_.backward(c, s.mlp, dbranch, dnormed);
    if (dnormed) ln_2_.backward(c, s.ln_2, dnormed, dmid, dy, ls_1_ ? Tensor{} : attention_.out_proj.bias_grad());
  }
  if (!first_branch) return;
  if (c.checkpointing) remake_attention(c, seq, subset, s);
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
