#include "nn/block.h"

namespace cw {

Block::Block(Parameters& p, const std::string& prefix, const BlockConfig& config, const BlockInit& init)
    : config_(config) {
  const int64_t d = config.width, m = config.mlp_width;
  ln_1_ = NormLayer::add(p, prefix + ".ln_1", d, config.layer_norm_eps);
  in_proj_.w = &p.add(prefix + ".attn.in_proj_weight", {3 * d, d}, init.in_proj);
  in_proj_.b = &p.add(prefix + ".attn.in_proj_bias", {3 * d}, Init::constant(0));
  out_proj_.w = &p.add(prefix + ".attn.out_proj.weight", {d, d}, init.out_proj);
  out_proj_.b = &p.add(prefix + ".attn.out_proj.bias", {d}, Init::constant(0));
  ln_2_ = NormLayer::add(p, prefix + ".ln_2", d, config.layer_norm_eps);
  c_fc_.w = &p.add(prefix + ".mlp.c_fc.weight", {m, d}, init.c_fc);
  c_fc_.b = &p.add(prefix + ".mlp.c_fc.bias", {m}, init.c_fc_bias);
  c_proj_.w = &p.add(prefix + ".mlp.c_proj.weight", {d, m}, init.c_proj);
  c_proj_.b = &p.add(prefix + ".mlp.c_proj.bias", {d}, init.c_proj_bias);
}

void Block::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
                    bool recompute) const {
  const int64_t t = x.rows, r = y.rows, d = config_.width, m = config_.mlp_width;
  s = {};
  s.normed = c.take(t, d);
  ln_1_.forward(c, x, s.normed, s.ln_1);

  Tensor q, k, v;
  Tensor residual = x;
  if (subset) {
    s.qkv = c.take(t, 2 * d);
    in_proj_.forward(c, s.normed, s.qkv, {}, kv_part());
    s.normed_rows = c.take(r, d);
    c.ops.gather_rows({.x = s.normed, .rows = subset.rows, .y = s.normed_rows});
    s.q = c.take(r, d);
    in_proj_.forward(c, s.normed_rows, s.q, {}, q_part());
    q = s.q, k = s.qkv.col_range(0, d), v = s.qkv.col_range(d, d);
    residual = c.take(r, d);
    c.ops.gather_rows({.x = x, .rows = subset.rows, .y = residual});
  } else {
    s.qkv = c.take(t, 3 * d);
    in_proj_.forward(c, s.normed, s.qkv);
    q = s.qkv.col_range(0, d), k = s.qkv.col_range(d, d), v = s.qkv.col_range(2 * d, d);
  }
  s.attn = c.take(r, d);
  if (c.training) s.lse = c.take_f32(config_.heads, r);
  c.ops.attention({.q = q,
                   .k = k,
                   .v = v,
                   .y = s.attn,
                   .lse = s.lse,
                   .sequences = seq,
                   .queries = subset.queries,
                   .heads = config_.heads,
                   .causal = config_.causal});
  const Tensor mid = c.take(r, d);
  out_proj_.forward(c, s.attn, mid, residual);

  s.normed_2 = c.take(r, d);
  ln_2_.forward(c, mid, s.normed_2, s.ln_2);
  s.hidden = c.take(r, m);
  if (c.training) s.pre = c.take(r, m);
  c.ops.linear({.x = s.normed_2,
                .w = c_fc_.view({}),
                .b = c_fc_.bias({}),
                .y = s.hidden,
                .pre = s.pre,
                .act = config_.act});
  if (!recompute) c_proj_.forward(c, s.hidden, y, mid);
}

void Block::backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                     Tensor dx) const {
  const int64_t r = dy.rows, d = config_.width, m = config_.mlp_width;
  const Frame frame(c.arena);
  const Tensor dmid = c.take(r, d);  // gradient of x + attn
  {
    const Frame mlp(c.arena);
    const Tensor dhidden = c.take(r, m);
    c.ops.linear_input_grad({.dy = dy, .w = c_proj_.view({}), .dx = dhidden, .pre = s.pre, .act = config_.act});
    c_proj_.weight_grad(c, dy, s.hidden);
    c_fc_.weight_grad(c, dhidden, s.normed_2);
    const Tensor dnormed = c.take(r, d);
    c_fc_.input_grad(c, dhidden, dnormed);
    ln_2_.backward(c, s.ln_2, dnormed, dmid, dy);
  }
  const Tensor dnormed = c.take(dx.rows, d);
  attention_backward(c, seq, subset, s, dmid, dnormed);
  if (subset) {
    ln_1_.backward(c, s.ln_1, dnormed, dx);
    c.ops.scatter_add_rows({.x = dmid, .rows = subset.rows, .y = dx});
  } else {
    ln_1_.backward(c, s.ln_1, dnormed, dx, dmid);
  }
}

void Block::attention_backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s,
                               Tensor dmid, Tensor dnormed) const {
  const int64_t t = dnormed.rows, r = dmid.rows, d = config_.width;
  const Frame frame(c.arena);
  const Tensor dattn = c.take(r, d);
  out_proj_.input_grad(c, dmid, dattn);
  out_proj_.weight_grad(c, dmid, s.attn);

  const auto attention = [&](Tensor q, Tensor k, Tensor v, Tensor dq, Tensor dk, Tensor dv) {
    c.ops.attention_grad({.q = q,
                          .k = k,
                          .v = v,
                          .y = s.attn,
                          .lse = s.lse,
                          .dy = dattn,
                          .dq = dq,
                          .dk = dk,
                          .dv = dv,
                          .sequences = seq,
                          .queries = subset.queries,
                          .heads = config_.heads,
                          .causal = config_.causal});
  };
  if (!subset) {
    const Tensor dqkv = c.take(t, 3 * d);
    attention(s.qkv.col_range(0, d), s.qkv.col_range(d, d), s.qkv.col_range(2 * d, d), dqkv.col_range(0, d),
              dqkv.col_range(d, d), dqkv.col_range(2 * d, d));
    in_proj_.input_grad(c, dqkv, dnormed);
    in_proj_.weight_grad(c, dqkv, s.normed);
    return;
  }
  const Tensor dq = c.take(r, d), dkv = c.take(t, 2 * d), dnormed_rows = c.take(r, d);
  attention(s.q, s.qkv.col_range(0, d), s.qkv.col_range(d, d), dq, dkv.col_range(0, d), dkv.col_range(d, d));
  in_proj_.input_grad(c, dkv, dnormed, kv_part());
  in_proj_.weight_grad(c, dkv, s.normed, kv_part());
  in_proj_.input_grad(c, dq, dnormed_rows, q_part());
  in_proj_.weight_grad(c, dq, s.normed_rows, q_part());
  c.ops.scatter_add_rows({.x = dnormed_rows, .rows = subset.rows, .y = dnormed});
}

}  // namespace cw
