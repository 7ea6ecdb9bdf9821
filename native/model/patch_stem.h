// What every image tower begins with: patches through a linear layer, a class token before those of each image, positions, and
// in some a norm. N images, P patches that are there, T rows of all images, D width.
#pragma once
#include "model/vision_tower.h"
#include "nn/norm.h"

namespace cw {

struct PatchStem {
  LinearLayer embedding;             // [D, 3·patch²]
  Parameter* class_token = nullptr;  // D values; or none
  Parameter* positions = nullptr;    // D values for each of an image's rows
  NormLayer norm{};                  // or none

  bool learns() const {
    return embedding.learns() || (class_token && class_token->trainable) || positions->trainable || norm.learns();
  }

  struct Saved {
    Tensor patches;  // [P, 3·patch²]
    NormLayer::Saved norm;
  };

  /// x [T,D]. What it keeps for backward lies in the arena above x, unless nothing in it learns.
  void forward(const Context& c, const VisionConfig& config, const VisionInput& in, Tensor x, Saved& s) const;
  /// Of dx [T,D], which it may overwrite. Nothing where nothing learns.
  void backward(const Context& c, const VisionInput& in, const Saved& s, Tensor dx) const;

 private:
  /// Of positions, however many dimensions the parameter has.
  static Tensor as_rows(const Tensor& t, int64_t width) {
    return t ? Tensor::of(t.data, t.dtype, t.count() / width, width) : Tensor{};
  }
};

/// timm's: visual.trunk.patch_embed.proj.weight and .bias.
LinearLayer timm_patch_embedding(Parameters& parameters, const VisionConfig& config, bool bias);

}  // namespace cw
