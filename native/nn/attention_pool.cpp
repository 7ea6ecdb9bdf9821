#include "nn/attention_pool.h"

#include <cmath>

namespace cw {

AttentionPool::AttentionPool(Parameters& p, const std::string& prefix, const AttentionPoolConfig& config)
    : width_(config.width), heads_(config.heads), mlp_{.act = config.act} {
  const int64_t d = config.width, m = config.mlp_width;
  const auto linear = [&](const std::string& weight, const std::string& bias, int64_t out, int64_t in) {
    LinearLayer layer;
    layer.w = &p.add(prefix + weight, {out, in}, Init::normal(config.init_std));
    layer.b = &p.add(prefix + bias, {out}, Init::constant(0));
    return layer;
  };
  latent_ = &p.add(prefix + ".latent", {1, 1, d}, Init::normal(1 / std::sqrt(static_cast<float>(d))));
  in_proj_ = linear(".attn.in_proj_weight", ".attn.in_proj_bias", 3 * d, d);
  out_proj_ = linear(".attn.out_proj.weight", ".attn.out_proj.bias", d, d);
  ln_ = NormLayer::add(p, prefix + ".ln", d, config.layer_norm_eps);
  mlp_.fc = linear(".mlp.c_fc.weight", ".mlp.c_fc.bias", m, d);
  mlp_.proj = linear(".mlp.c_proj.weight", ".mlp.c_proj.bias", d, m);
}

void AttentionPool::forward(const Context& c, const Sequences& seq, const RowSubset& one_row_each, Tensor x, Tensor y,
                            Saved& s) const {
  const int64_t n = y.rows, d = width_;
  s = {.x = x, .q = c.take(n, d), .kv = c.take(x.rows, 2 * d), .y = c.take(n, d)};
  {
    const Frame frame(c.arena);
    const Tensor q = c.take(1, d);  // the same for all sequences
    in_proj_.forward(c, latent_->weight.compute, q, {}, q_part());
    c.ops.gather_rows({.x = q, .rows = one_row_each.rows, .y = s.q});
  }
  in_proj_.forward(c, x, s.kv, {}, kv_part());
  if (c.training) s.lse = c.take_f32(heads_, n);
  c.ops.attention({.q = s.q,
                   .k = s.kv.col_range(0, d),
                   .v = s.kv.col_range(d, d),
                   .y = s.y,
                   .lse = s.lse,
                   .sequences = seq,
                   .queries = one_row_each.queries,
                   .heads = heads_});
  const Tensor attended = c.take(n, d), normed = c.take(n, d);
  out_proj_.forward(c, s.y, attended);
  ln_.forward(c, attended, normed, s.ln);
  mlp_.forward(c, normed, attended, y, s.mlp);
}

void AttentionPool::backward(const Context& c, const Sequences& seq, const RowSubset& one_row_each, const Saved& s, Tensor dy,
                             Tensor dx) const {
  const int64_t n = dy.rows, d = width_;
  const Frame frame(c.arena);
  const Tensor dattended = c.take(n, d);
  sum_columns(c, dy, mlp_.proj.bias_grad());
  {
    const Frame mlp(c.arena);
    const Tensor dnormed = c.take(n, d);
    mlp_.backward(c, s.mlp, dy, dnormed);
    ln_.backward(c, s.ln, dnormed, dattended, dy, out_proj_.bias_grad());
  }
  const Tensor dheads = c.take(n, d), dq = c.take(n, d), dkv = c.take(s.kv.rows, 2 * d);
  out_proj_.input_grad(c, dattended, dheads);
  out_proj_.weight_grad_alone(c, dattended, s.y);
  c.ops.attention_grad({.q = s.q,
                        .k = s.kv.col_range(0, d),
                        .v = s.kv.col_range(d, d),
                        .y = s.y,
                        .lse = s.lse,
                        .dy = dheads,
                        .dq = dq,
                        .dk = dkv.col_range(0, d),
                        .dv = dkv.col_range(d, d),
                        .sequences = seq,
                        .queries = one_row_each.queries,
                        .heads = heads_});
  if (dx) in_proj_.input_grad(c, dkv, dx, kv_part());
  in_proj_.weight_grad(c, dkv, s.x, kv_part());
  // All sequences ask with one row: its gradient is the sum of theirs.
  const Tensor sum = c.take_f32(1, d), dquery = c.take(1, d), dlatent = c.take(1, d);
  c.ops.linear_weight_grad({.dy = dq, .x = dq, .db = sum});
  c.ops.cast({.x = sum, .y = dquery});
  in_proj_.weight_grad(c, dquery, latent_->weight.compute, q_part(), /*again=*/true);
  in_proj_.input_grad(c, dquery, dlatent, q_part());
  sum_columns(c, dlatent, latent_->wanted_grad());
}

}  // namespace cw
