#include "model/causal_tower.h"

#include <cmath>
#include <string>

namespace cw {
namespace {

BlockConfig block_config(const TextConfig& t) {
  return {.width = t.width, .heads = t.heads, .mlp_width = t.mlp_width, .act = t.act, .causal = t.causal.mask,
          .layer_norm_eps = t.layer_norm_eps, .layer_scale = t.causal.layer_scale};
}

/// open_clip TextTransformer.init_parameters (from OpenAI's CLIP.initialize_parameters).
BlockInit block_init(const TextConfig& t) {
  const float width_std = 1 / std::sqrt(static_cast<float>(t.width));
  const float proj_std = width_std / std::sqrt(2.0f * static_cast<float>(t.layers));
  const float fc_std = 1 / std::sqrt(2.0f * static_cast<float>(t.width));
  const auto bound = [](int64_t fan_in) { return Init::uniform(1 / std::sqrt(static_cast<float>(fan_in))); };
  return {.in_proj = Init::normal(width_std),
          .out_proj = Init::normal(proj_std),
          .c_fc = Init::normal(fc_std),
          .c_proj = Init::normal(proj_std),
          .c_fc_bias = bound(t.width),
          .c_proj_bias = bound(t.mlp_width)};
}

}  // namespace

void CausalTower::validate(const TextConfig& t, int64_t embed_dim) {
  demand_of_config(t.causal.projection != Projection::mlp, "text.causal.projection must be linear or none");
  demand_of_config(t.causal.projection != Projection::none || t.width == embed_dim,
                   "text.causal.projection none needs a width equal to embed_dim " + std::to_string(embed_dim) + ", got " +
                       std::to_string(t.width));
}

CausalTower::CausalTower(Parameters& p, const TextConfig& t, int64_t embed_dim)
    : config_(t),
      token_embedding_(&p.add("token_embedding.weight", {t.vocab_size, t.width}, Init::normal(0.02f))),
      positions_(&p.add("positional_embedding", {t.context_length, t.width}, Init::normal(0.01f))),
      blocks_(p, "transformer.resblocks", block_config(t), t.layers, block_init(t)),
      ln_final_(NormLayer::add(p, "ln_final", t.width, t.layer_norm_eps)) {
  if (t.causal.projection == Projection::none) return;
  const Init init = Init::normal(1 / std::sqrt(static_cast<float>(t.width)));
  if (t.causal.projection_bias) {  // a linear layer of PyTorch's
    projection_.w = &p.add("text_projection.weight", {embed_dim, t.width}, init);
    projection_.b = &p.add("text_projection.bias", {embed_dim}, Init::constant(0));
  } else {
    projection_.w = &p.add("text_projection", {t.width, embed_dim}, init, /*input_major=*/true);
  }
}

void CausalTower::forward(const Context& c, const TextInput& in, Tensor features, TextTower::Saved& saved) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = features.rows, d = config_.width;
  const Tensor x = c.take(in.ids.cols, d);
  c.ops.embed({.ids = in.ids,
               .position_ids = in.position_ids,
               .table = token_embedding_->weight.master,
               .positions = positions_->weight.master,
               .y = x,
               .sequences = in.sequences});
  const Tensor last = c.take(n, d);
  blocks_.forward(c, in.sequences, in.pooled, x, last, s.blocks, embedding_learns());
  s.pooled = c.take(n, d);
  ln_final_.forward(c, last, s.pooled, s.ln_final);
  if (projection_.w)
    projection_.forward(c, s.pooled, features);
  else
    c.ops.cast({.x = s.pooled, .y = features});
}

void CausalTower::backward(const Context& c, const TextInput& in, TextTower::Saved& saved, Tensor dfeatures) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = dfeatures.rows, d = config_.width;
  const Frame frame(c.arena);
  const Tensor dproj = c.take(n, dfeatures.cols);
  c.ops.cast({.x = dfeatures, .y = dproj});
  Tensor dlast = dproj;
  if (projection_.w) projection_.weight_grad(c, dproj, s.pooled);
  if (!ln_final_.learns() && !blocks_.reached(s.blocks)) return;
  if (projection_.w) {
    dlast = c.take(n, d);
    projection_.input_grad(c, dproj, dlast);
  }
  ln_final_.backward(c, s.ln_final, dlast, dlast);
  const Tensor dx = c.take(in.ids.cols, d);
  blocks_.backward(c, in.sequences, in.pooled, s.blocks, dlast, dx);
  if (embedding_learns())
    c.ops.embed_grad({.dy = dx,
                      .ids = in.ids,
                      .position_ids = in.position_ids,
                      .dtable = token_embedding_->wanted_grad(),
                      .dpositions = positions_->wanted_grad(),
                      .sequences = in.sequences,
                      .accumulate = c.accumulate});
}

}  // namespace cw
