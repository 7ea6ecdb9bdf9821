#include "model/bert_head.h"

#include <cmath>
#include <string>

namespace cw {

BertHead::BertHead(Parameters& p, const TextConfig& t, int64_t embed_dim) : config_(*t.bert), mlp_{.act = Act::gelu} {
  const int64_t d = t.width;
  const std::string text = config_.custom_text ? "text." : "";
  if (config_.pooler == Pooler::pooler) {
    dense_.w = &p.add(text + "transformer.pooler.dense.weight", {d, d}, Init::normal(config_.init_std));
    dense_.b = &p.add(text + "transformer.pooler.dense.bias", {d}, Init::constant(0));
  }
  if (config_.ln_final) ln_final_ = NormLayer::add(p, text + "ln_final", d, 1e-5f);
  const std::string projection = config_.custom_text ? "text.proj" : "text_projection";
  // nn.Linear's own default, which open_clip leaves as it is; the matrix of the reference as CLIP's.
  const auto bound = [](int64_t fan_in) { return Init::uniform(1 / std::sqrt(static_cast<float>(fan_in))); };
  if (config_.projection == Projection::linear && config_.custom_text) {
    linear_.w = &p.add(projection + ".weight", {embed_dim, d}, bound(d));
  } else if (config_.projection == Projection::linear) {
    linear_.w = &p.add(projection, {d, embed_dim}, Init::normal(1 / std::sqrt(static_cast<float>(d))), /*input_major=*/true);
  } else if (config_.projection == Projection::mlp) {
    const int64_t hidden = (d + embed_dim) / 2;
    mlp_.fc.w = &p.add(projection + ".0.weight", {hidden, d}, bound(d));
    mlp_.proj.w = &p.add(projection + ".2.weight", {embed_dim, hidden}, bound(hidden));
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
  switch (config_.projection) {
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
  switch (config_.projection) {
    case Projection::linear: {
      const Tensor dy = in_type();
      linear_.weight_grad(c, dy, s.projected);
      linear_.input_grad(c, dy, d);
      break;
    }
    case Projection::mlp: mlp_.backward(c, s.mlp, in_type(), d); break;
    case Projection::none: c.ops.cast({.x = dfeatures, .y = d}); break;
  }
  if (config_.ln_final) ln_final_.backward(c, s.ln_final, d, d);
  pool_backward(c, seq, s, d, drows);
}

}  // namespace cw
