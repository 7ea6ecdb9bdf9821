#include "nn/attention.h"

namespace cw {

void SelfAttention::turn(const Context& c, Tensor x, Tensor rows, bool backwards) const {
  if (!rotary) return;
  c.ops.rotary({.x = x,
                .table = c.rotation.table,
                .position_ids = c.rotation.position_ids,
                .rows = rows,
                .y = x,
                .heads = x.cols / width() * heads,
                .backwards = backwards});
}

void SelfAttention::take_kept(const Context& c, int64_t t, int64_t r, const RowSubset& subset, Saved& s) const {
  const int64_t d = width();
  s = {};
  if (subset) s.x_rows = c.take(r, d), s.q = c.take(r, d);
  s.qkv = c.take(t, (subset ? 2 : 3) * d);
}

void SelfAttention::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor residual,
                            Tensor y, Saved& s) const {
  const int64_t d = width();
  if (subset) {
    const auto gather = [&](Tensor from, Tensor to) {
      c.ops.gather_rows({.x = from, .rows = subset.rows, .y = to});
      return to;
    };
    in_proj.forward(c, x, s.qkv, {}, kv_part());
    gather(x, s.x_rows);
    in_proj.forward(c, s.x_rows, s.q, {}, q_part());
    turn(c, s.q, subset.rows);
    turn(c, s.qkv.col_range(0, d), {});
    if (residual) residual = residual.data == x.data ? s.x_rows : gather(residual, c.take(y.rows, d));
  } else {
    in_proj.forward(c, x, s.qkv);
    turn(c, s.qkv.col_range(0, 2 * d), {});
  }
  attend(c, seq, subset, x, s);
  out_proj.forward(c, s.normed, y, residual);
}

void SelfAttention::attend(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Saved& s) const {
  const int64_t d = width(), keys = subset ? 0 : d;
  const Tensor q = subset ? s.q : s.qkv.col_range(0, d);
  s.x = x;
  s.y = c.take(q.rows, d);
  if (c.training) s.lse = c.take_f32(heads, q.rows);
  c.ops.attention({.q = q,
                   .k = s.qkv.col_range(keys, d),
                   .v = s.qkv.col_range(keys + d, d),
                   .y = s.y,
                   .lse = s.lse,
                   .sequences = seq,
                   .queries = subset.queries,
                   .heads = heads,
                   .causal = causal,
                   .drop = dropout.of(c)});
  s.normed = norm ? c.take(q.rows, d) : s.y;
  if (norm) norm.forward(c, s.y, s.normed, s.norm);
}

/// dx empty: nobody wants it, and the pass ends at the lowest projection that learns.
void SelfAttention::backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy,
                             Tensor dx, Tensor residual) const {
  const int64_t t = s.x.rows, r = dy.rows, d = width();
  const Frame frame(c.arena);
  out_proj.weight_grad_alone(c, dy, s.normed);
  if (!dx && !in_proj.learns() && !norm) return;
  const Tensor dattn = c.take(r, d);
  out_proj.input_grad(c, dy, dattn);
  if (norm) norm.backward(c, s.norm, dattn, dattn);
  if (!dx && !in_proj.learns()) return;

  const auto attention = [&](Tensor q, Tensor k, Tensor v, Tensor dq, Tensor dk, Tensor dv) {
    c.ops.attention_grad({.q = q,
                          .k = k,
                          .v = v,
                          .y = s.y,
                          .lse = s.lse,
                          .dy = dattn,
                          .dq = dq,
                          .dk = dk,
                          .dv = dv,
                          .sequences = seq,
                          .queries = subset.queries,
                          .heads = heads,
                          .causal = causal,
                          .drop = dropout.of(c)});
  };
  if (!subset) {
    const Tensor dqkv = c.take(t, 3 * d);
    attention(s.qkv.col_range(0, d), s.qkv.col_range(d, d), s.qkv.col_range(2 * d, d), dqkv.col_range(0, d),
              dqkv.col_range(d, d), dqkv.col_range(2 * d, d));
    turn(c, dqkv.col_range(0, 2 * d), {}, /*backwards=*/true);
    if (dx) in_proj.input_grad(c, dqkv, dx, {}, residual);
    in_proj.weight_grad(c, dqkv, s.x);
    return;
  }
  const Tensor dq = c.take(r, d), dkv = c.take(t, 2 * d);
  attention(s.q, s.qkv.col_range(0, d), s.qkv.col_range(d, d), dq, dkv.col_range(0, d), dkv.col_range(d, d));
  turn(c, dq, subset.rows, /*backwards=*/true);
  turn(c, dkv.col_range(0, d), {}, /*backwards=*/true);
  in_proj.weight_grad(c, dkv, s.x, kv_part());
  in_proj.weight_grad(c, dq, s.x_rows, q_part(), /*again=*/true);
  if (!dx) return;
  const Tensor dx_rows = c.take(r, d);
  in_proj.input_grad(c, dkv, dx, kv_part());
  in_proj.input_grad(c, dq, dx_rows, q_part(), residual);
  c.ops.scatter_add_rows({.x = dx_rows, .rows = subset.rows, .y = dx});
}

}  // namespace cw
