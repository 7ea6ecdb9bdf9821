// A model small enough for finite differences, and batches for it.
#pragma once
#include <random>
#include <vector>

#include "engine/session.h"

namespace cw::test {

inline ClipConfig tiny_config() {
  ClipConfig c;
  c.embed_dim = 12;
  c.vision = {.image_size = 16, .patch_size = 8, .width = 24, .layers = 2, .heads = 2, .mlp_width = 40};
  c.text = {.context_length = 9, .vocab_size = 23, .width = 20, .layers = 2, .heads = 2, .mlp_width = 36};
  return c;
}

/// `open`: the options of open_clip's own towers, in both of them; `ahead`: the last norm before the mean, and no projection.
enum class Text { causal, open, ahead, bert, roberta, bare };

inline const char* name_of(Text text) {
  constexpr const char* kNames[] = {"causal", "open", "ahead", "bert", "roberta", "bare"};
  return kNames[static_cast<int>(text)];
}

/// The same with each tower and head that there is.
inline ClipConfig tiny_config(Text text) {
  ClipConfig c = tiny_config();
  if (text == Text::open || text == Text::ahead) {
    c.vision.pool = ImagePool::mean;
    c.vision.pool_first = text == Text::open;
    c.vision.layer_scale = 0.5f;
    c.vision.ln_pre = false;
    c.text.causal = {.mask = text == Text::ahead, .layer_scale = 0.8f, .projection_bias = true};
    if (text == Text::ahead) c.text.causal.projection = Projection::none, c.text.width = c.embed_dim;
    return c;
  }
  if (text == Text::causal) return c;
  c.text.kind = "bert";
  c.text.layer_norm_eps = 1e-12f;
  if (text == Text::bert) c.text.bert = BertConfig{.positions = 12, .pooler = Pooler::pooler, .ln_final = true};
  if (text == Text::roberta)
    c.text.bert = BertConfig{.positions = 11, .first_position = 2, .token_types = 1, .pooler = Pooler::mean,
                             .projection = {.kind = Projection::mlp, .input_major = false, .init = Init::Kind::uniform}};
  if (text == Text::bare) {
    c.text.bert = BertConfig{.positions = 9, .pooler = Pooler::cls, .projection = {.kind = Projection::none}};
    c.text.width = c.embed_dim;
  }
  c.text.bert->hidden_dropout = 0.2f, c.text.bert->attention_dropout = 0.3f;  // of batches that have draws
  c.text.bert->init_std = 0.2f;  // as small as BERT's own, so few weights would leave every caption nearly the same
  return c;
}

/// What sessions under test train with.
inline const PairLoss& mean_info_nce() {
  static const std::unique_ptr<PairLoss> loss = make_pair_loss({.kind = "infonce", .options = {{"reduction", "mean"}}});
  return *loss;
}
inline const PairLoss& siglip() {
  static const std::unique_ptr<PairLoss> loss = make_pair_loss({.kind = "siglip"});
  return *loss;
}

/// n pictures and captions of 2 to context_length tokens; the last token of each is the largest id.
struct TinyBatch {
  std::vector<float> pixels;
  std::vector<int32_t> ids, offsets{0}, pool;
  Batch batch;

  TinyBatch(const ClipConfig& c, int64_t n, uint32_t seed, bool full_context = false) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    pixels.resize(static_cast<size_t>(n * 3 * c.vision.image_size * c.vision.image_size));
    for (float& x : pixels) x = normal(random);
    const auto vocab = static_cast<int32_t>(c.text.vocab_size);
    for (int64_t s = 0; s < n; ++s) {
      const auto length = static_cast<int32_t>(2 + s % (c.text.context_length - 1));
      for (int32_t i = 0; i + 1 < length; ++i) ids.push_back(static_cast<int32_t>(random() % (vocab - 1)));
      ids.push_back(vocab - 1);
      pool.push_back(static_cast<int32_t>(ids.size()) - 1);
      if (full_context) ids.resize(static_cast<size_t>((s + 1) * c.text.context_length), 0);
      offsets.push_back(static_cast<int32_t>(ids.size()));
    }
    batch.images = {.data = pixels.data(), .dtype = DType::f32, .count = n};
    batch.tokens = {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = n};
    batch.loss = &mean_info_nce();
  }
  TinyBatch(const TinyBatch&) = delete;
};

inline std::vector<std::vector<float>> read_all(Session& s, Slot slot) {
  std::vector<std::vector<float>> out;
  for (size_t i = 0; i < s.parameters().size(); ++i) {
    out.emplace_back(static_cast<size_t>(s.parameters()[i].count()));
    const bool of_optimizer = slot == Slot::m || slot == Slot::v || slot == Slot::average;
    s.read({.parameter = i, .slot = slot, .optimizer = of_optimizer ? std::optional(0) : std::nullopt}, out.back().data());
  }
  return out;
}

/// Weights of the image tower of a size at which rows differ; timm's begin so small that all pictures look alike.
inline void enlarge(Session& s) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.2f);
  for (size_t i = 0; i < s.parameters().size(); ++i) {
    if (!s.parameters()[i].name.starts_with("visual.") || s.parameters()[i].shape.size() < 2) continue;
    std::vector<float> values(static_cast<size_t>(s.parameters()[i].count()));
    for (float& x : values) x = normal(random);
    s.write({.parameter = i}, values.data());
  }
}

inline OptimizerSpec adamw_spec(const Session& s) {
  OptimizerSpec spec;
  spec.lr_scale.assign(s.parameters().size(), 1);
  for (const Parameter& p : s.parameters()) spec.weight_decay.push_back(p.shape.size() >= 2 ? 0.2f : 0.0f);
  return spec;
}

}  // namespace cw::test
