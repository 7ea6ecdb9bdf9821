#include "addon/model.h"

#include <array>

#include "addon/arguments.h"
#include "engine/names.h"

namespace cw {
namespace {

std::array<float, 3> triple_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  if (!v.IsArray() || v.As<Napi::Array>().Length() != 3) bad_argument(std::string(key) + ": expected three numbers");
  std::array<float, 3> out{};
  for (uint32_t i = 0; i < 3; ++i) {
    const Napi::Value item = v.As<Napi::Array>().Get(i);
    if (!item.IsNumber()) bad_argument(std::string(key) + ": expected three numbers");
    out[i] = item.As<Napi::Number>().FloatValue();
  }
  return out;
}

/// What both towers' configs share.
template <class Config>
void read_tower(const Napi::Object& o, Config& c) {
  c.kind = string_at(o, "kind");
  c.width = integer_at(o, "width");
  c.layers = integer_at(o, "layers");
  c.heads = integer_at(o, "heads");
  c.mlp_width = integer_at(o, "mlpWidth");
  c.act = named_in(kActivations, o.Get("activation"), "activation");
  c.layer_norm_eps = static_cast<float>(number_at(o, "layerNormEps"));
}

std::optional<float> layer_scale_at(const Napi::Object& o) {
  if (o.Get("layerScale").IsUndefined()) return {};
  return static_cast<float>(number_at(o, "layerScale"));
}

ProjectionConfig projection_config(const Napi::Object& o) {
  return {.kind = named_in(kProjections, o.Get("kind"), "projection.kind"),
          .input_major = boolean_at(o, "inputMajor"),
          .init = named_in(kDistributions, o.Get("init"), "projection.init")};
}

CausalConfig causal_config(const Napi::Object& o) {
  return {.mask = boolean_at(o, "mask"),
          .layer_scale = layer_scale_at(o),
          .projection = named_in(kProjections, o.Get("projection"), "projection"),
          .projection_bias = boolean_at(o, "projectionBias")};
}

RotaryConfig rotary_config(const Napi::Object& o) {
  return {.reference_grid = integer_at(o, "referenceGrid"),
          .first_place = integer_at(o, "firstPlace"),
          .columns_first = boolean_at(o, "columnsFirst")};
}

EvaConfig eva_config(const Napi::Object& o) {
  EvaConfig c{.qkv = named_in(kQueryKeyValues, o.Get("qkv"), "qkv"),
              .swiglu = boolean_at(o, "swiglu"),
              .norm_last = boolean_at(o, "normLast"),
              .pool_heads = integer_at(o, "poolHeads"),
              .pool_mlp_width = integer_at(o, "poolMlpWidth")};
  if (!o.Get("rotary").IsUndefined()) c.rotary = rotary_config(object_at(o, "rotary"));
  return c;
}

BertConfig bert_config(const Napi::Object& o) {
  return {.positions = integer_at(o, "positions"),
          .first_position = integer_at(o, "firstPosition"),
          .token_types = integer_at(o, "tokenTypes"),
          .pooler = named_in(kPoolers, o.Get("pooler"), "pooler"),
          .ln_final = boolean_at(o, "lnFinal"),
          .projection = projection_config(object_at(o, "projection")),
          .init_std = static_cast<float>(number_at(o, "initStd")),
          .hidden_dropout = static_cast<float>(number_at(o, "hiddenDropout")),
          .attention_dropout = static_cast<float>(number_at(o, "attentionDropout"))};
}

}  // namespace

ClipConfig model_config(const Napi::Object& o) {
  ClipConfig c;
  c.embed_dim = integer_at(o, "embedDim");
  c.init_logit_scale = static_cast<float>(number_at(o, "initLogitScale"));
  if (!o.Get("initLogitBias").IsUndefined()) c.init_logit_bias = static_cast<float>(number_at(o, "initLogitBias"));
  const Napi::Object vision = object_at(o, "vision"), text = object_at(o, "text");
  read_tower(vision, c.vision);
  c.vision.image_size = integer_at(vision, "imageSize");
  c.vision.patch_size = integer_at(vision, "patchSize");
  c.vision.class_token = boolean_at(vision, "classToken");
  c.vision.layer_scale = layer_scale_at(vision);
  c.vision.ln_pre = boolean_at(vision, "lnPre");
  c.vision.pool = named_in(kImagePools, vision.Get("pool"), "pool");
  c.vision.pool_first = boolean_at(vision, "poolFirst");
  c.vision.sin_cos_positions = boolean_at(vision, "sinCosPositions");
  if (!vision.Get("eva").IsUndefined()) c.vision.eva = eva_config(object_at(vision, "eva"));
  c.vision.mean = triple_at(vision, "mean");
  c.vision.std = triple_at(vision, "std");
  read_tower(text, c.text);
  c.text.context_length = integer_at(text, "contextLength");
  c.text.vocab_size = integer_at(text, "vocabSize");
  if (!text.Get("causal").IsUndefined()) c.text.causal = causal_config(object_at(text, "causal"));
  if (!text.Get("bert").IsUndefined()) c.text.bert = bert_config(object_at(text, "bert"));
  return c;
}

}  // namespace cw
