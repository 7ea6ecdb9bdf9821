#include "nn/post_norm_block.h"

namespace cw {
namespace {

constexpr int64_t kSites = 3;  // dropouts of a block, after the tower's own site 0

}  // namespace

PostNormBlock::PostNormBlock(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init)
    : attention_{.heads = config.heads, .causal = config.causal,
                 .dropout = {.site = kSites * config.layer + 1, .rate = config.attention_dropout}},
      mlp_{.act = config.act},
      attention_dropout_{.site = kSites * config.layer + 2, .rate = config.hidden_dropout},
      mlp_dropout_{.site = kSites * config.layer + 3, .rate = config.hidden_dropout} {
  const int64_t d = config.width, m = config.mlp_width;
  const auto self = [&](const char* kind) {
    std::vector<std::string> names;
    for (const char* part : {"query", "key", "value"}) names.push_back(prefix + ".attention.self." + part + kind);
    return names;
  };
  attention_.in_proj.w = &p.add_joined(self(".weight"), {d, d}, init.in_proj);
  attention_.in_proj.b = &p.add_joined(self(".bias"), {d}, Init::constant(0));
  attention_.out_proj.w = &p.add(prefix + ".attention.output.dense.weight", {d, d}, init.out_proj);
  attention_.out_proj.b = &p.add(prefix + ".attention.output.dense.bias", {d}, Init::constant(0));
  attention_norm_ = NormLayer::add(p, prefix + ".attention.output.LayerNorm", d, config.layer_norm_eps);
  mlp_.fc.w = &p.add(prefix + ".intermediate.dense.weight", {m, d}, init.c_fc);
  mlp_.fc.b = &p.add(prefix + ".intermediate.dense.bias", {m}, init.c_fc_bias);
  mlp_.proj.w = &p.add(prefix + ".output.dense.weight", {d, m}, init.c_proj);
  mlp_.proj.b = &p.add(prefix + ".output.dense.bias", {d}, init.c_proj_bias);
  output_norm_ = NormLayer::add(p, prefix + ".output.LayerNorm", d, config.layer_norm_eps);
}

void PostNormBlock::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y,
                            Saved& s) const {
  const auto rows = [&] { return c.take(y.rows, y.cols); };
  const Tensor attended = rows(), out = rows();
  attention_.take_kept(c, x.rows, y.rows, subset, s.attention);
  const std::optional<Frame> passing = c.passing();
  const auto or_later = [&](const DropoutLayer& dropout, Tensor residual) { return dropout.of(c) ? Tensor{} : residual; };
  attention_.forward(c, seq, subset, x, or_later(attention_dropout_, x), attended, s.attention);
  attention_dropout_.forward(c, attended, subset ? s.attention.x_rows : x, subset.rows);
  const Tensor mid = rows();
  attention_norm_.forward(c, attended, mid, s.attention_norm);
  mlp_.forward(c, mid, or_later(mlp_dropout_, mid), out, s.mlp);
  mlp_dropout_.forward(c, out, mid, subset.rows);
  output_norm_.forward(c, out, y, s.output_norm);
}

void PostNormBlock::remake(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s) const {
  const auto rows = [&] { return c.take(s.attention.y.rows, s.attention.y.cols); };
  const Tensor mid = rows();
  attention_.attend(c, seq, subset, s.attention.x, s.attention);
  attention_norm_.forward(c, s.attention_norm.x, mid, s.attention_norm);
  mlp_.forward(c, mid, {}, {}, s.mlp);
  output_norm_.forward(c, s.output_norm.x, rows(), s.output_norm);
}

void PostNormBlock::backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy,
                             Tensor dx) const {
  const Frame frame(c.arena);
  if (c.checkpointing) remake(c, seq, subset, s);
  const Tensor dout = c.take(dy.rows, dy.cols), dmid = c.take(dy.rows, dy.cols);
  const Tensor mlp_sums = mlp_.proj.bias_grad(), attention_sums = attention_.out_proj.bias_grad();
  output_norm_.backward(c, s.output_norm, dy, dout, {}, mlp_dropout_.sums_of_dy(c, mlp_sums));
  mlp_.backward(c, s.mlp, mlp_dropout_.backward(c, dout, subset.rows, mlp_sums), dmid, dout);
  if (!dx && !attention_norm_.learns() && !attention_.learns()) return;
  attention_norm_.backward(c, s.attention_norm, dmid, dmid, {}, attention_dropout_.sums_of_dy(c, attention_sums));
  attention_.backward(c, seq, subset, s.attention, attention_dropout_.backward(c, dmid, subset.rows, attention_sums), dx, dmid);
}

}  // namespace cw
