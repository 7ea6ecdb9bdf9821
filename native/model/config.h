// What a model is, in numbers. TypeScript resolves open_clip's JSON into this.
#pragma once
#include <array>
#include <cstdint>

#include "ops/ops.h"

namespace cw {

struct VisionConfig {
  int64_t image_size = 224, patch_size = 32, width = 768, layers = 12, heads = 12, mlp_width = 3072;
  Act act = Act::gelu;
  float layer_norm_eps = 1e-5f;
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};

  int64_t grid() const { return image_size / patch_size; }
  int64_t patches() const { return grid() * grid(); }
  int64_t patch_values() const { return 3 * patch_size * patch_size; }
};

struct TextConfig {
  int64_t context_length = 77, vocab_size = 49408, width = 512, layers = 12, heads = 8, mlp_width = 2048;
  Act act = Act::gelu;
  float layer_norm_eps = 1e-5f;
};

struct ClipConfig {
  int64_t embed_dim = 512;
  float init_logit_scale = 2.6592600f;  // ln(1/0.07)
  VisionConfig vision;
  TextConfig text;
};

/// Throws invalid_argument naming the field that cannot be.
void validate(const ClipConfig& config);

}  // namespace cw
