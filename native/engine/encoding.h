// Features of pictures and captions, without gradients, and the loss of features that are given.
#pragma once
#include <memory>

#include "engine/batch.h"
#include "engine/planned_runs.h"
#include "model/clip.h"

namespace cw {

class Encoder {
 public:
  Encoder(const Clip& model, PlannedRuns& runs);

  /// features f32 [count, embed_dim] to host memory.
  void images(const HostImages& images, bool normalize, float* features);
  void texts(const HostTokens& tokens, bool normalize, float* features);
  /// All that images() and texts() do with the model, for one picture and one caption.
  void features_of_one(const Context& c) const;
  /// Bytes that `count` pictures or captions of `tokens` at a time take, whichever are more.
  size_t measure(int64_t count, const HostTokens& tokens) const;
  /// The loss of given features [n, embed_dim] at the current temperature.
  float loss(const float* image, const float* text, int64_t n, const PairLoss& loss);

 private:
  PlannedRuns::Body image_features(const HostImages& images, bool normalize, float* features) const;
  PlannedRuns::Body text_features(const HostTokens& tokens, bool normalize, float* features) const;

  const Clip& model_;
  PlannedRuns& runs_;
  const std::unique_ptr<VisionTower::Saved> vision_saved_;
  const std::unique_ptr<TextTower::Saved> text_saved_;
};

}  // namespace cw
