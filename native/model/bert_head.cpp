#include "model/bert_head.h"

#include <cmath>

namespace cw {

BertHead::BertHead(Parameters& p, const TextConfig& t, int64_t embed_dim) : config_(*t.bert), mlp_{.act = Act::gelu} {
  const int64_t d = t.width;
  if (config_.pooler == Pooler::pooler) {
    dense_.w = &p.add("text.transformer.pooler.dense.weight", {d, d}, Init::normal(config_.init_std));
    dense_.b = &p.add("text.transformer.pooler.dense.bias", {d}, Init::constant(0));
  }
  if (config_.ln_final) ln_final_ = NormLayer::add(p, "text.ln_final", d, 1e-5f);
  const ProjectionConfig& projection = config_.projection;
  const auto add = [&](const char* name, int64_t out, int64_t in) {
    const Init init{projection.init, 1 / std::sqrt(static_cast<float>(in))};
    return projection.input_major ? &p.add(name, {in, out}, init, /*input_major=*/true) : &p.add(name, {out, in}, init);
  };
  if (projection.kind == Projection::linear) {
    linear_.w = add("text.proj.weight", embed_dim, d);
  } else if (projection.kind == Projection::mlp) {
    const int64_t hidden = (d + embed_dim) / 2;
    mlp_.fc.w = add("text.proj.0.weight", hidden, d);
    mlp_.proj.w = add("text.proj.2.weight", embed_dim, hidden);
  }
}

Tensor BertHead::pool(const Context& c, const Sequences& seq, Tensor rows, Saved& s) const {
  if (config_.pooler == Pooler::cls) return rows;
  const Tensor y = c.take(seq.count, rows.cols);
  if (config_.pooler == Pooler::mean) {
    c.ops.sequence_mean({.x = rows, .y = y, .sequences = seq});
  } else {
    s.rows = rows;
    dense_.forward(c, rows, y);
    c.ops.tanh({.x = y, .y = y});
  }
  return y;
}

void BertHead::pool_backward(const Context& c, const Sequences& seq, const Saved& s, Tensor dpooled, Tensor drows) const {
  switch (config_.pooler) {
    case Pooler::cls: return;  // dpooled is drows
    case Pooler::mean: return c.ops.sequence_mean_grad({.dy = dpooled, .dx = drows, .sequences = seq});
    case Pooler::pooler:
      c.ops.tanh_grad({.y = s.pooled, .dy = dpooled, .dx = dpooled});
      dense_.weight_grad(c, dpooled, s.rows);
      dense_.input_grad(c, dpooled, drows);
  }
}

void BertHead::forward(const Context& c, const Sequences& seq, Tensor rows, Tensor features, Saved& s) const {
  s.pooled = s.projected = pool(c, seq, rows, s);
  if (config_.ln_final) {
    s.projected = c.take(seq.count, rows.cols);
    ln_final_.forward(c, s.pooled, s.projected, s.ln_final);
  }
  switch (config_.projection.kind) {
    case Projection::linear: return linear_.forward(c, s.projected, features);
    case Projection::mlp: return mlp_.forward(c, s.projected, {}, features, s.mlp);
    case Projection::none: return c.ops.cast({.x = s.projected, .y = features});
  }
}

void BertHead::backward(const Context& c, const Sequences& seq, const Saved& s, Tensor dfeatures, Tensor drows) const {
  const Frame frame(c.arena);
  const Tensor d = config_.pooler == Pooler::cls ? drows : c.take(seq.count, drows.cols);
  const auto in_type = [&] {
    const Tensor cast = c.take(dfeatures.rows, dfeatures.cols);
    c.ops.cast({.x = dfeatures, .y = cast});
    return cast;
  };
  switch (config_.projection.kind) {
    case Projection::linear: {
      const Tensor dy = in_type();
      linear_.weight_grad(c, dy, s.projected);
      linear_.input_grad(c, dy, d);
      break;
    }
    case Projection::mlp: {
      const Tensor dy = in_type();
      sum_columns(c, dy, mlp_.proj.bias_grad());
      mlp_.backward(c, s.mlp, dy, d);
      break;
    }
    case Projection::none: c.ops.cast({.x = dfeatures, .y = d}); break;
  }
  if (config_.ln_final) ln_final_.backward(c, s.ln_final, d, d);
  pool_backward(c, seq, s, d, drows);
}

}  // namespace cw
