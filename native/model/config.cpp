#include "model/config.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace cw {
namespace {

void demand(bool ok, const std::string& what) {
  if (!ok) throw Error(Code::invalid_argument, "[model config] " + what);
}

void validate_transformer(const char* tower, int64_t width, int64_t layers, int64_t heads, int64_t mlp_width,
                          float eps) {
  const std::string at = std::string(tower) + ".";
  demand(width > 0 && width <= 1 << 16, at + "width must be 1 .. 65536, got " + std::to_string(width));
  demand(layers > 0 && layers <= 1024, at + "layers must be 1 .. 1024, got " + std::to_string(layers));
  demand(heads > 0 && width % heads == 0,
         at + "heads must divide the width " + std::to_string(width) + ", got " + std::to_string(heads));
  demand(mlp_width > 0 && mlp_width <= 1 << 20, at + "mlp_width must be 1 .. 1048576, got " + std::to_string(mlp_width));
  demand(std::isfinite(eps) && eps > 0, at + "layer_norm_eps must be above 0");
}

void validate_bert(const BertConfig& b, const TextConfig& t, int64_t embed_dim) {
  demand(b.first_position >= 0 && b.positions <= 1 << 16 && t.context_length <= b.positions - b.first_position,
         "text.context_length " + std::to_string(t.context_length) + " must fit the " + std::to_string(b.positions) +
             " positions, of which " + std::to_string(b.first_position) + " are left out");
  demand(b.token_types > 0 && b.token_types <= 1 << 16, "text.token_types must be 1 .. 65536");
  demand(std::isfinite(b.init_std) && b.init_std >= 0, "text.init_std must be at least 0");
  demand(b.projection != Projection::none || t.width == embed_dim,
         "text.width " + std::to_string(t.width) + " must be embed_dim " + std::to_string(embed_dim) + " without a projection");
}

}  // namespace

void validate(const ClipConfig& c) {
  const VisionConfig& v = c.vision;
  const TextConfig& t = c.text;
  demand(c.embed_dim > 0 && c.embed_dim <= 1 << 16, "embed_dim must be 1 .. 65536, got " + std::to_string(c.embed_dim));
  demand(std::isfinite(c.init_logit_scale), "init_logit_scale must be a finite number");
  demand(v.patch_size > 0 && v.image_size > 0 && v.image_size <= 1 << 14 && v.image_size % v.patch_size == 0,
         "vision.patch_size " + std::to_string(v.patch_size) + " must divide image_size " + std::to_string(v.image_size));
  for (int i = 0; i < 3; ++i)
    demand(std::isfinite(v.mean[i]) && std::isfinite(v.std[i]) && v.std[i] > 0, "vision.mean and std must be finite, std above 0");
  validate_transformer("vision", v.width, v.layers, v.heads, v.mlp_width, v.layer_norm_eps);
  validate_transformer("text", t.width, t.layers, t.heads, t.mlp_width, t.layer_norm_eps);
  demand(t.context_length > 0 && t.context_length <= 1 << 16, "text.context_length must be 1 .. 65536");
  demand(t.vocab_size > 0 && t.vocab_size <= 1 << 24, "text.vocab_size must be 1 .. 16777216");
  if (t.bert) validate_bert(*t.bert, t, c.embed_dim);
}

}  // namespace cw
