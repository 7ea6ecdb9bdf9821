// What a model is, in numbers. TypeScript resolves open_clip's JSON into this.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "nn/block.h"
#include "nn/parameter.h"
#include "ops/ops.h"

namespace cw {

/// What of an image tower's rows becomes its feature: the class token, the mean of the patches, or what a learned query sees.
enum class ImagePool : uint8_t { token, mean, attention };

/// Rotary positions of a square of patches.
struct RotaryConfig {
  int64_t reference_grid = 0;  // side, in patches, of the square that places are counted on, whatever this one's
  int64_t first_place = 0;     // what rows and columns are counted from
  bool columns_first = false;  // the first half of a head's channels turns by the column rather than the row
};

/// What timm's Eva towers have beside VisionConfig's numbers.
struct EvaConfig {
  QueryKeyValue qkv = QueryKeyValue::joint;
  bool swiglu = false;     // gated MLPs, and norms within both branches of a block
  bool norm_last = false;  // the norms of a block are of what its branches give
  std::optional<RotaryConfig> rotary;
  int64_t pool_heads = 0, pool_mlp_width = 0;  // of pooling by attention
};

struct VisionConfig {
  std::string kind = "vit";  // a row of vision_tower.cpp
  int64_t image_size = 224, patch_size = 32, width = 768, layers = 12, heads = 12, mlp_width = 3072;
  Act act = Act::gelu;
  float layer_norm_eps = 1e-5f;
  bool class_token = true;  // a row before the patches'
  std::optional<float> layer_scale;  // what the factors of each block's branches begin as
  bool ln_pre = true;                // a norm before the blocks
  ImagePool pool = ImagePool::token;
  bool pool_first = false;           // the last norm is of the pooled row rather than of all rows
  bool sin_cos_positions = false;    // positions are waves that do not learn
  std::optional<EvaConfig> eva;      // of the kind "eva"
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};

  int64_t grid() const { return image_size / patch_size; }
  int64_t patches() const { return grid() * grid(); }
  int64_t patch_values() const { return 3 * patch_size * patch_size; }
};

/// What follows a BERT-like encoder: the [CLS] row, that row through a dense layer and tanh, or the mean of all rows.
enum class Pooler : uint8_t { cls, pooler, mean };
/// From the pooled width to embed_dim: a matrix; two linear layers with GELU between; or nothing.
enum class Projection : uint8_t { linear, mlp, none };

/// A projection without biases.
struct ProjectionConfig {
  Projection kind = Projection::linear;
  /// How a matrix lies: [in,out] with y = x·W, as CLIP has it, or [out,in] as nn.Linear. An mlp's are [out,in].
  bool input_major = true;
  /// normal(0, 1/sqrt(in)), CLIP's own, or uniform(-1/sqrt(in), 1/sqrt(in)), nn.Linear's default.
  Init::Kind init = Init::Kind::normal;
};

/// What CLIP's own text tower has beside TextConfig's numbers.
struct CausalConfig {
  bool mask = true;  // no row sees a later one
  std::optional<float> layer_scale;
  Projection projection = Projection::linear;  // an mlp is BERT's alone
  bool projection_bias = false;
};

/// What a BERT-like tower has beside TextConfig's numbers.
struct BertConfig {
  int64_t positions = 512;      // rows of the positional embedding
  int64_t first_position = 0;   // the first token's row: 0 in BERT, pad_id + 1 in RoBERTa's kin
  int64_t token_types = 2;
  Pooler pooler = Pooler::cls;
  bool ln_final = false;
  ProjectionConfig projection;
  float init_std = 0.02f;       // transformers' initializer_range
  float hidden_dropout = 0;     // rates: of embeddings and of each branch of a block,
  float attention_dropout = 0;  // and of attention's probabilities
};

struct TextConfig {
  std::string kind = "causal";  // a row of text_tower.cpp
  int64_t context_length = 77, vocab_size = 49408, width = 512, layers = 12, heads = 8, mlp_width = 2048;
  Act act = Act::gelu;
  float layer_norm_eps = 1e-5f;
  CausalConfig causal;             // of the kind "causal"
  std::optional<BertConfig> bert;  // of the kind "bert"

  bool has_dropout() const { return bert && (bert->hidden_dropout > 0 || bert->attention_dropout > 0); }
  int64_t first_position() const { return bert ? bert->first_position : 0; }
};

struct ClipConfig {
  int64_t embed_dim = 512;
  float init_logit_scale = 2.6592600f;  // ln(1/0.07)
  std::optional<float> init_logit_bias;  // a parameter of models that are trained with the sigmoid loss
  VisionConfig vision;
  TextConfig text;
};

/// Throws invalid_argument, "[model config] …", unless ok.
void demand_of_config(bool ok, const std::string& what);

/// Throws invalid_argument naming the field that cannot be.
void validate(const ClipConfig& config);

}  // namespace cw
