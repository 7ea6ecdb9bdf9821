#include "model/siglip_tower.h"

#include <string>

namespace cw {
namespace {

constexpr float kStd = 0.02f;  // timm's init_weights_vit_timm, of all matrices but the patch embedding's

BlockConfig block_config(const VisionConfig& v) {
  return {.width = v.width, .heads = v.heads, .mlp_width = v.mlp_width, .act = v.act, .causal = false,
          .layer_norm_eps = v.layer_norm_eps};
}

BlockInit block_init() {
  const Init matrix = Init::normal(kStd), bias = Init::constant(0);
  return {.in_proj = matrix, .out_proj = matrix, .c_fc = matrix, .c_proj = matrix, .c_fc_bias = bias, .c_proj_bias = bias};
}

PatchStem stem(Parameters& p, const VisionConfig& v) {
  PatchStem s;
  s.embedding = timm_patch_embedding(p, v, /*bias=*/true);
  s.positions = &p.add("visual.trunk.pos_embed", {1, v.patches(), v.width}, Init::normal(kStd));
  return s;
}

}  // namespace

void SiglipTower::validate(const VisionConfig& v, int64_t embed_dim) {
  demand_of_config(v.patch_size > 0 && v.image_size >= v.patch_size && v.image_size <= 1 << 14,
                   "vision.patch_size " + std::to_string(v.patch_size) + " must fit image_size " + std::to_string(v.image_size));
  demand_of_config(!v.class_token, "vision.class_token must be off in a tower of the kind siglip");
  demand_of_config(v.width == embed_dim, "vision.width " + std::to_string(v.width) + " must be embed_dim " +
                                             std::to_string(embed_dim) + " in a tower of the kind siglip");
}

SiglipTower::SiglipTower(Parameters& p, const VisionConfig& v, int64_t)
    : config_(v),
      stem_(stem(p, v)),
      blocks_(p, "visual.trunk.blocks", block_config(v), v.layers, block_init()),
      norm_(NormLayer::add(p, "visual.trunk.norm", v.width, v.layer_norm_eps)),
      pool_(p, "visual.trunk.attn_pool",
            {.width = v.width, .heads = v.heads, .mlp_width = v.mlp_width, .act = v.act, .layer_norm_eps = v.layer_norm_eps,
             .init_std = kStd}) {}

void SiglipTower::forward(const Context& c, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = in.images.rows, d = config_.width, t = in.source.cols;
  const Tensor tokens = c.take(t, d);
  stem_.forward(c, config_, in, tokens, s.stem);
  const Tensor x = c.take(t, d), normed = c.take(t, d), pooled = c.take(n, d);
  blocks_.forward(c, in.sequences, {}, tokens, x, s.blocks, stem_.learns());
  norm_.forward(c, x, normed, s.norm);
  pool_.forward(c, in.sequences, in.pooled, normed, pooled, s.pool);
  c.ops.cast({.x = pooled, .y = features});
}

void SiglipTower::backward(const Context& c, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = dfeatures.rows, d = config_.width, t = in.source.cols;
  const Frame frame(c.arena);
  const Tensor dpooled = c.take(n, d), dx = c.take(t, d), dtokens = c.take(t, d);
  c.ops.cast({.x = dfeatures, .y = dpooled});
  const bool rows_learn = norm_.learns() || blocks_.reached(s.blocks);
  pool_.backward(c, in.sequences, in.pooled, s.pool, dpooled, rows_learn ? dx : Tensor{});
  if (!rows_learn) return;
  norm_.backward(c, s.norm, dx, dx);
  blocks_.backward(c, in.sequences, {}, s.blocks, dx, dtokens);
  stem_.backward(c, in, s.stem, dtokens);
}

}  // namespace cw
