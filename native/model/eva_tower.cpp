#include "model/eva_tower.h"

#include <string>

namespace cw {
namespace {

constexpr float kStd = 0.02f;        // of all matrices but the patch embedding's, of positions and the class token
constexpr float kHeadScale = 0.001f; // the head begins so much smaller

PatchStem stem(Parameters& p, const VisionConfig& v) {
  const Init init = Init::normal(kStd);
  PatchStem s;
  if (v.class_token) s.class_token = &p.add("visual.trunk.cls_token", {1, 1, v.width}, init);
  s.positions = &p.add("visual.trunk.pos_embed", {1, v.patches() + (v.class_token ? 1 : 0), v.width}, init);
  s.embedding = timm_patch_embedding(p, v, /*bias=*/!v.ln_pre);
  if (v.ln_pre) s.norm = NormLayer::add(p, "visual.trunk.norm_pre", v.width, v.layer_norm_eps);
  return s;
}

BlockConfig block_config(const VisionConfig& v) {
  return {.width = v.width,
          .heads = v.heads,
          .mlp_width = v.mlp_width,
          .act = v.act,
          .layer_norm_eps = v.layer_norm_eps,
          .qkv = v.eva->qkv,
          .rotary = v.eva->rotary.has_value(),
          .swiglu = v.eva->swiglu,
          .norm_last = v.eva->norm_last};
}

BlockInit block_init() {
  const Init matrix = Init::normal(kStd), bias = Init::constant(0);
  return {.in_proj = matrix, .out_proj = matrix, .c_fc = matrix, .c_proj = matrix, .c_fc_bias = bias, .c_proj_bias = bias,
          .by_depth = true};
}

std::optional<AttentionPool> pool(Parameters& p, const VisionConfig& v) {
  if (v.pool != ImagePool::attention) return {};
  return AttentionPool(p, "visual.trunk.attn_pool",
                       {.width = v.width, .heads = v.eva->pool_heads, .mlp_width = v.eva->pool_mlp_width, .act = Act::gelu,
                        .layer_norm_eps = v.layer_norm_eps, .init_std = kStd});
}

}  // namespace

void EvaTower::validate(const VisionConfig& v, int64_t) {
  demand_of_config(v.eva.has_value(), "vision.eva is missing");
  const EvaConfig& eva = *v.eva;
  demand_of_config(v.patch_size > 0 && v.image_size > 0 && v.image_size <= 1 << 14 && v.image_size % v.patch_size == 0,
                   "vision.patch_size " + std::to_string(v.patch_size) + " must divide image_size " +
                       std::to_string(v.image_size));
  demand_of_config(v.pool != ImagePool::mean, "vision.pool must be token or attention in a tower of the kind eva");
  demand_of_config(v.class_token || v.pool == ImagePool::attention, "vision.pool must be attention without vision.class_token");
  demand_of_config(!v.layer_scale && !v.sin_cos_positions,
                   "vision.layer_scale and sin_cos_positions must be off in a tower of the kind eva");
  if (v.pool == ImagePool::attention) {
    demand_of_config(eva.pool_heads > 0 && v.width % eva.pool_heads == 0,
                     "vision.eva.pool_heads must divide the width " + std::to_string(v.width) + ", got " +
                         std::to_string(eva.pool_heads));
    demand_of_config(eva.pool_mlp_width > 0 && eva.pool_mlp_width <= 1 << 20,
                     "vision.eva.pool_mlp_width must be 1 .. 1048576, got " + std::to_string(eva.pool_mlp_width));
  }
  if (!eva.rotary) return;
  demand_of_config(v.heads > 0 && v.width % (4 * v.heads) == 0,
                   "vision.eva.rotary needs heads of a multiple of 4 channels, got width " + std::to_string(v.width) + " and " +
                       std::to_string(v.heads) + " heads");
  demand_of_config(eva.rotary->reference_grid > 0, "vision.eva.rotary.reference_grid must be above 0");
}

EvaTower::EvaTower(Parameters& p, const VisionConfig& v, int64_t embed_dim)
    : config_(v),
      stem_(stem(p, v)),
      blocks_(p, "visual.trunk.blocks", block_config(v), v.layers, block_init()),
      norm_(NormLayer::add(p, "visual.trunk.norm", v.width, v.layer_norm_eps)),
      pool_(pool(p, v)),
      head_{&p.add("visual.trunk.head.weight", {embed_dim, v.width}, Init::normal(kStd * kHeadScale)),
            &p.add("visual.trunk.head.bias", {embed_dim}, Init::constant(0))} {}

void EvaTower::forward(const Context& given, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const {
  const Context c = turning(given, in);
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = in.images.rows, d = config_.width, t = in.source.cols, r = pool_ ? t : n;
  const Tensor tokens = c.take(t, d);
  stem_.forward(c, config_, in, tokens, s.stem);
  const Tensor rows = c.take(r, d), normed = c.take(r, d);
  blocks_.forward(c, in.sequences, last_rows(in), tokens, rows, s.blocks, stem_.learns());
  norm_.forward(c, rows, normed, s.norm);
  s.pooled = pool_ ? c.take(n, d) : normed;
  if (pool_) pool_->forward(c, in.sequences, in.pooled, normed, s.pooled, s.pool);
  head_.forward(c, s.pooled, features);
}

void EvaTower::backward(const Context& given, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const {
  const Context c = turning(given, in);
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = dfeatures.rows, d = config_.width, t = in.source.cols;
  const Frame frame(c.arena);
  const Tensor dhead = c.take(n, dfeatures.cols), dpooled = c.take(n, d), dtokens = c.take(t, d);
  c.ops.cast({.x = dfeatures, .y = dhead});
  head_.weight_grad(c, dhead, s.pooled);
  head_.input_grad(c, dhead, dpooled);
  const Tensor drows = pool_ ? c.take(t, d) : dpooled;
  if (pool_) pool_->backward(c, in.sequences, in.pooled, s.pool, dpooled, drows);
  norm_.backward(c, s.norm, drows, drows);
  blocks_.backward(c, in.sequences, last_rows(in), s.blocks, drows, dtokens);
  stem_.backward(c, in, s.stem, dtokens);
}

}  // namespace cw
