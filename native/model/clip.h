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
        text_begin_(parameters.size()),
        text(make_text_tower(parameters, config.text, config.embed_dim)),
        text_end_(parameters.size()),
        parameters_(parameters),
        logit_scale(parameters.add("logit_scale", {}, Init::constant(config.init_logit_scale))),
        logit_bias(config.init_logit_bias ? &parameters.add("logit_bias", {}, Init::constant(*config.init_logit_bias)) : nullptr) {}

  /// Whether any parameter of a tower does; one that learns nothing needs no backward.
  bool vision_learns() const { return learns(0, text_begin_); }
  bool text_learns() const { return learns(text_begin_, text_end_); }

  const ClipConfig config;
  const std::unique_ptr<const VisionTower> vision;

 private:
  const size_t text_begin_;  // among the parameters, of which a tower's lie one after another

 public:
  const std::unique_ptr<const TextTower> text;

 private:
  const size_t text_end_;
  const Parameters& parameters_;

  bool learns(size_t first, size_t end) const {
    while (first < end && !parameters_[first].learns()) ++first;
    return first < end;
  }

 public:
  Parameter& logit_scale;
  Parameter* const logit_bias;  // null where the model has none
};

}  // namespace cw
