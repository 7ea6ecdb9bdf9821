#include "model/vit_tower.h"

#include <cmath>
#include <string>

namespace cw {
namespace {

BlockConfig block_config(const VisionConfig& v) {
  return {.width = v.width, .heads = v.heads, .mlp_width = v.mlp_width, .act = v.act, .causal = false,
          .layer_norm_eps = v.layer_norm_eps, .layer_scale = v.layer_scale};
}

/// PyTorch's own defaults, which open_clip leaves as they are in the image tower: Xavier for in_proj
/// (nn.MultiheadAttention), U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for nn.Linear's weights and the MLP's biases.
BlockInit block_init(const VisionConfig& v) {
  const auto bound = [](int64_t fan_in) { return Init::uniform(1 / std::sqrt(static_cast<float>(fan_in))); };
  return {.in_proj = Init::uniform(std::sqrt(6.0f / static_cast<float>(4 * v.width))),
          .out_proj = bound(v.width),
          .c_fc = bound(v.width),
          .c_proj = bound(v.mlp_width),
          .c_fc_bias = bound(v.width),
          .c_proj_bias = bound(v.mlp_width)};
}

/// And the projection, which stands among its parameters.
PatchStem stem(Parameters& p, const VisionConfig& v, int64_t embed_dim, LinearLayer& projection) {
  const Init normal = Init::normal(1 / std::sqrt(static_cast<float>(v.width)));
  PatchStem s;
  s.embedding.w = &p.add("visual.conv1.weight", {v.width, 3, v.patch_size, v.patch_size},
                         Init::uniform(1 / std::sqrt(static_cast<float>(v.patch_values()))));
  projection.w = &p.add("visual.proj", {v.width, embed_dim}, normal, true);
  s.class_token = &p.add("visual.class_embedding", {v.width}, normal);
  s.positions = &p.add("visual.positional_embedding", {v.patches() + 1, v.width},
                       v.sin_cos_positions ? Init{Init::Kind::sin_cos} : normal);
  s.positions->trainable = !v.sin_cos_positions;
  if (v.ln_pre) s.norm = NormLayer::add(p, "visual.ln_pre", v.width, v.layer_norm_eps);
  return s;
}

}  // namespace

void VitTower::validate(const VisionConfig& v, int64_t) {
  demand_of_config(v.class_token, "vision.class_token must be on in a tower of the kind vit");
  demand_of_config(v.patch_size > 0 && v.image_size > 0 && v.image_size <= 1 << 14 && v.image_size % v.patch_size == 0,
                   "vision.patch_size " + std::to_string(v.patch_size) + " must divide image_size " +
                       std::to_string(v.image_size));
  demand_of_config(v.pool != ImagePool::attention, "vision.pool must be token or mean in a tower of the kind vit");
  demand_of_config(!v.sin_cos_positions || v.width % 4 == 0,
                   "vision.sin_cos_positions need a width that is a multiple of 4, got " + std::to_string(v.width));
}

VitTower::VitTower(Parameters& p, const VisionConfig& v, int64_t embed_dim)
    : config_(v),
      stem_(stem(p, v, embed_dim, proj_)),
      ln_post_(NormLayer::add(p, "visual.ln_post", v.width, v.layer_norm_eps)),
      blocks_(p, "visual.transformer.resblocks", block_config(v), v.layers, block_init(v)) {}

/// [N,D] of rows [R,D].
Tensor VitTower::pool(const Context& c, const VisionInput& in, Tensor rows, Saved& s) const {
  const auto take = [&](int64_t n) { return c.take(n, rows.cols); };
  const bool norm_first = !mean() || !config_.pool_first;  // of one row it is all the same
  const Tensor normed = norm_first ? take(rows.rows) : Tensor{};
  if (norm_first) ln_post_.forward(c, rows, normed, s.ln_post);
  if (!mean()) return normed;
  const Tensor pooled = take(in.sequences.count);
  c.ops.sequence_mean({.x = norm_first ? normed : rows, .y = pooled, .sequences = in.sequences, .skip = 1});
  if (norm_first) return pooled;
  const Tensor last = take(pooled.rows);
  ln_post_.forward(c, pooled, last, s.ln_post);
  return last;
}

void VitTower::pool_backward(const Context& c, const VisionInput& in, const Saved& s, Tensor dpooled, Tensor drows) const {
  if (!mean()) return ln_post_.backward(c, s.ln_post, dpooled, drows);
  if (config_.pool_first) ln_post_.backward(c, s.ln_post, dpooled, dpooled);
  c.ops.sequence_mean_grad({.dy = dpooled, .dx = drows, .sequences = in.sequences, .skip = 1});
  if (!config_.pool_first) ln_post_.backward(c, s.ln_post, drows, drows);
}

void VitTower::forward(const Context& c, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = in.images.rows, d = config_.width, t = in.source.cols;
  const Tensor x = c.take(t, d);
  stem_.forward(c, config_, in, x, s.stem);
  const Tensor rows = c.take(mean() ? t : n, d);
  blocks_.forward(c, in.sequences, last_rows(in), x, rows, s.blocks, stem_.learns());
  s.pooled = pool(c, in, rows, s);
  proj_.forward(c, s.pooled, features);
}

void VitTower::backward(const Context& c, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = dfeatures.rows, d = config_.width, t = in.source.cols;
  const Frame frame(c.arena);
  const Tensor dproj = c.take(n, dfeatures.cols);
  c.ops.cast({.x = dfeatures, .y = dproj});
  proj_.weight_grad(c, dproj, s.pooled);
  if (!ln_post_.learns() && !blocks_.reached(s.blocks)) return;
  const Tensor dpooled = c.take(n, d);
  proj_.input_grad(c, dproj, dpooled);
  const Tensor drows = mean() ? c.take(t, d) : dpooled;
  pool_backward(c, in, s, dpooled, drows);
  const Tensor dx = c.take(t, d);
  blocks_.backward(c, in.sequences, last_rows(in), s.blocks, drows, dx);
  stem_.backward(c, in, s.stem, dx);
}

}  // namespace cw
