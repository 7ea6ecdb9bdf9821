#include "model/patch_stem.h"

#include <cmath>

namespace cw {

void PatchStem::forward(const Context& c, const VisionConfig& config, const VisionInput& in, Tensor x, Saved& s) const {
  const size_t before = c.arena.used();
  s.patches = c.take(in.patches ? in.patches.cols : in.images.rows * config.patches(), config.patch_values());
  c.ops.patchify({.images = in.images,
                  .patches = in.patches,
                  .y = s.patches,
                  .height = config.image_size,
                  .width = config.image_size,
                  .patch = config.patch_size,
                  .mean = config.mean,
                  .std = config.std});
  const Tensor tokens = norm ? c.take(x.rows, x.cols) : x;  // the norm's input, kept for its backward
  {
    const Frame frame(c.arena);
    const Tensor embedded = c.take(s.patches.rows, x.cols);
    embedding.forward(c, s.patches, embedded);
    c.ops.vision_tokens({.patches = embedded,
                         .class_embedding = class_token ? class_token->weight.master : Tensor{},
                         .positions = as_rows(positions->weight.master, x.cols),
                         .source = in.source,
                         .position_ids = in.position_ids,
                         .y = tokens,
                         .sequences = in.sequences});
  }
  if (norm) norm.forward(c, tokens, x, s.norm);
  if (!learns()) c.arena.release_to(before);
}

void PatchStem::backward(const Context& c, const VisionInput& in, const Saved& s, Tensor dx) const {
  if (!learns()) return;
  if (norm) norm.backward(c, s.norm, dx, dx);
  const Frame frame(c.arena);
  const Tensor dpatches = c.take(s.patches.rows, dx.cols);
  c.ops.vision_tokens_grad({.dy = dx,
                            .source = in.source,
                            .position_ids = in.position_ids,
                            .dpatches = dpatches,
                            .dclass = class_token ? class_token->wanted_grad() : Tensor{},
                            .dpositions = as_rows(positions->wanted_grad(), dx.cols),
                            .sequences = in.sequences,
                            .accumulate = c.accumulate});
  embedding.weight_grad(c, dpatches, s.patches);
}

LinearLayer timm_patch_embedding(Parameters& p, const VisionConfig& v, bool bias) {
  const Init init = Init::uniform(1 / std::sqrt(static_cast<float>(v.patch_values())));  // nn.Conv2d's own
  LinearLayer layer;
  layer.w = &p.add("visual.trunk.patch_embed.proj.weight", {v.width, 3, v.patch_size, v.patch_size}, init);
  if (bias) layer.b = &p.add("visual.trunk.patch_embed.proj.bias", {v.width}, init);
  return layer;
}

}  // namespace cw
