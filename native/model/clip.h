// Both towers, the temperature, and what is added to logits where the model has that.
#pragma once
#include "model/text_tower.h"
#include "model/vision_tower.h"

namespace cw {

class Clip {
 public:
  Clip(Parameters& parameters, const ClipConfig& config)
      : config(config),
        vision(make_vision_tower(parameters, config.vision, config.embed_dim)),
        text(make_text_tower(parameters, config.text, config.embed_dim)),
        logit_scale(parameters.add("logit_scale", {}, Init::constant(config.init_logit_scale))),
        logit_bias(config.init_logit_bias ? &parameters.add("logit_bias", {}, Init::constant(*config.init_logit_bias)) : nullptr) {}

  const ClipConfig config;
  const std::unique_ptr<const VisionTower> vision;
  const std::unique_ptr<const TextTower> text;
  Parameter& logit_scale;
  Parameter* const logit_bias;  // null where the model has none
};

}  // namespace cw
