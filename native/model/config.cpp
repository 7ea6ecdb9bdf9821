#include "model/config.h"

#include <cmath>
#include <string>

#include "core/error.h"
#include "model/text_tower.h"
#include "model/vision_tower.h"

namespace cw {

void demand_of_config(bool ok, const std::string& what) {
  if (!ok) throw Error(Code::invalid_argument, "[model config] " + what);
}

namespace {

void validate_transformer(const char* tower, int64_t width, int64_t layers, int64_t heads, int64_t mlp_width,
                          float eps) {
  const std::string at = std::string(tower) + ".";
  demand_of_config(width > 0 && width <= 1 << 16, at + "width must be 1 .. 65536, got " + std::to_string(width));
  demand_of_config(layers > 0 && layers <= 1024, at + "layers must be 1 .. 1024, got " + std::to_string(layers));
  demand_of_config(heads > 0 && width % heads == 0,
                   at + "heads must divide the width " + std::to_string(width) + ", got " + std::to_string(heads));
  demand_of_config(mlp_width > 0 && mlp_width <= 1 << 20,
                   at + "mlp_width must be 1 .. 1048576, got " + std::to_string(mlp_width));
  demand_of_config(std::isfinite(eps) && eps > 0, at + "layer_norm_eps must be above 0");
}

}  // namespace

void validate(const ClipConfig& c) {
  const VisionConfig& v = c.vision;
  const TextConfig& t = c.text;
  demand_of_config(c.embed_dim > 0 && c.embed_dim <= 1 << 16,
                   "embed_dim must be 1 .. 65536, got " + std::to_string(c.embed_dim));
  demand_of_config(std::isfinite(c.init_logit_scale), "init_logit_scale must be a finite number");
  demand_of_config(std::isfinite(c.init_logit_bias.value_or(0)), "init_logit_bias must be a finite number");
  validate_vision_tower(v, c.embed_dim);
  for (int i = 0; i < 3; ++i)
    demand_of_config(std::isfinite(v.mean[i]) && std::isfinite(v.std[i]) && v.std[i] > 0,
                     "vision.mean and std must be finite, std above 0");
  validate_transformer("vision", v.width, v.layers, v.heads, v.mlp_width, v.layer_norm_eps);
  validate_transformer("text", t.width, t.layers, t.heads, t.mlp_width, t.layer_norm_eps);
  demand_of_config(t.context_length > 0 && t.context_length <= 1 << 16, "text.context_length must be 1 .. 65536");
  demand_of_config(t.vocab_size > 0 && t.vocab_size <= 1 << 24, "text.vocab_size must be 1 .. 16777216");
  validate_text_tower(t, c.embed_dim);
}

}  // namespace cw
