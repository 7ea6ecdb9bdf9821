#include "nn/post_norm_block.h"

namespace cw {

PostNormBlock::PostNormBlock(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init)
    : attention_{.heads = config.heads, .causal = config.causal}, mlp_{.act = config.act} {
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

void PostNormBlock::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
                            bool recompute) const {
  const auto rows = [&] { return c.take(y.rows, y.cols); };
  const Tensor attended = rows();
  attention_.forward(c, seq, subset, x, x, attended, s.attention);
  const Tensor mid = rows();
  attention_norm_.forward(c, attended, mid, s.attention_norm);
  const Tensor out = rows();
  mlp_.forward(c, mid, mid, out, s.mlp);
  output_norm_.forward(c, out, recompute ? rows() : y, s.output_norm);
}

void PostNormBlock::backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                             Tensor dx) const {
  const Frame frame(c.arena);
  const Tensor dout = c.take(dy.rows, dy.cols), dmid = c.take(dy.rows, dy.cols);
  output_norm_.backward(c, s.output_norm, dy, dout, {}, mlp_.proj.bias_grad());
  mlp_.backward(c, s.mlp, dout, dmid, dout);
  attention_norm_.backward(c, s.attention_norm, dmid, dmid, {}, attention_.out_proj.bias_grad());
  attention_.backward(c, seq, subset, s.attention, dmid, dx, dmid);
}

}  // namespace cw
