#include "model/vit_tower.h"

#include <cmath>
#include <string>

namespace cw {
namespace {

BlockConfig block_config(const VisionConfig& v) {
  return {.width = v.width, .heads = v.heads, .mlp_width = v.mlp_width, .act = v.act, .causal = false,
          .layer_norm_eps = v.layer_norm_eps};
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

}  // namespace

void VitTower::validate(const VisionConfig& v, int64_t) {
  demand_of_config(v.class_token, "vision.class_token must be on in a tower of the kind vit");
  demand_of_config(v.patch_size > 0 && v.image_size > 0 && v.image_size <= 1 << 14 && v.image_size % v.patch_size == 0,
                   "vision.patch_size " + std::to_string(v.patch_size) + " must divide image_size " +
                       std::to_string(v.image_size));
}

VitTower::VitTower(Parameters& p, const VisionConfig& v, int64_t embed_dim)
    : config_(v),
      conv1_{&p.add("visual.conv1.weight", {v.width, 3, v.patch_size, v.patch_size},
                    Init::uniform(1 / std::sqrt(static_cast<float>(v.patch_values()))))},
      proj_{&p.add("visual.proj", {v.width, embed_dim}, Init::normal(1 / std::sqrt(static_cast<float>(v.width))), true)},
      class_embedding_(&p.add("visual.class_embedding", {v.width}, Init::normal(1 / std::sqrt(static_cast<float>(v.width))))),
      positions_(&p.add("visual.positional_embedding", {v.patches() + 1, v.width},
                        Init::normal(1 / std::sqrt(static_cast<float>(v.width))))),
      ln_pre_(NormLayer::add(p, "visual.ln_pre", v.width, v.layer_norm_eps)),
      ln_post_(NormLayer::add(p, "visual.ln_post", v.width, v.layer_norm_eps)),
      blocks_(p, "visual.transformer.resblocks", block_config(v), v.layers, block_init(v)) {}

void VitTower::forward(const Context& c, const VisionInput& in, Tensor features, VisionTower::Saved& saved) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = in.images.rows, d = config_.width, t = in.source.cols;
  s.patches = c.take(n * config_.patches(), config_.patch_values());
  c.ops.patchify({.images = in.images,
                  .y = s.patches,
                  .height = config_.image_size,
                  .width = config_.image_size,
                  .patch = config_.patch_size,
                  .mean = config_.mean,
                  .std = config_.std});
  const Tensor x = c.take(t, d);       // ln_pre's output
  const Tensor tokens = c.take(t, d);  // ln_pre's input, kept for its backward
  {
    const Frame frame(c.arena);
    const Tensor embedded = c.take(s.patches.rows, d);
    conv1_.forward(c, s.patches, embedded);
    c.ops.vision_tokens({.patches = embedded,
                         .class_embedding = class_embedding_->weight.master,
                         .positions = positions_->weight.master,
                         .source = in.source,
                         .position_ids = in.position_ids,
                         .y = tokens,
                         .sequences = in.sequences});
  }
  ln_pre_.forward(c, tokens, x, s.ln_pre);
  const Tensor classes = c.take(n, d);
  blocks_.forward(c, in.sequences, in.pooled, x, classes, s.blocks);
  s.pooled = c.take(n, d);
  ln_post_.forward(c, classes, s.pooled, s.ln_post);
  proj_.forward(c, s.pooled, features);
}

void VitTower::backward(const Context& c, const VisionInput& in, VisionTower::Saved& saved, Tensor dfeatures) const {
  auto& s = static_cast<Saved&>(saved);
  const int64_t n = dfeatures.rows, d = config_.width, t = in.source.cols;
  const Frame frame(c.arena);
  const Tensor dproj = c.take(n, dfeatures.cols);
  c.ops.cast({.x = dfeatures, .y = dproj});
  proj_.weight_grad(c, dproj, s.pooled);
  const Tensor dclasses = c.take(n, d);
  proj_.input_grad(c, dproj, dclasses);
  ln_post_.backward(c, s.ln_post, dclasses, dclasses);
  const Tensor dx = c.take(t, d);
  blocks_.backward(c, in.sequences, in.pooled, s.blocks, dclasses, dx);
  ln_pre_.backward(c, s.ln_pre, dx, dx);
  const Tensor dpatches = c.take(s.patches.rows, d);
  c.ops.vision_tokens_grad({.dy = dx,
                            .source = in.source,
                            .position_ids = in.position_ids,
                            .dpatches = dpatches,
                            .dclass = class_embedding_->wanted_grad(),
                            .dpositions = positions_->wanted_grad(),
                            .sequences = in.sequences,
                            .accumulate = c.accumulate});
  conv1_.weight_grad(c, dpatches, s.patches);
}

}  // namespace cw
