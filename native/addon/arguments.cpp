#include "addon/arguments.h"

#include <cmath>

namespace cw {
namespace {

Napi::Value at(const Napi::Object& o, const char* key) { return o.Get(key); }

Act activation_at(const Napi::Object& o) {
  const std::string name = string_at(o, "activation");
  if (name == "gelu") return Act::gelu;
  if (name == "gelu_tanh") return Act::gelu_tanh;
  if (name == "quick_gelu") return Act::quick_gelu;
  bad_argument("activation: expected gelu, gelu_tanh or quick_gelu, got " + name);
}

std::array<float, 3> triple_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = at(o, key);
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
  c.width = integer_at(o, "width");
  c.layers = integer_at(o, "layers");
  c.heads = integer_at(o, "heads");
  c.mlp_width = integer_at(o, "mlpWidth");
  c.act = activation_at(o);
  c.layer_norm_eps = static_cast<float>(number_at(o, "layerNormEps"));
}

Pooler pooler_at(const Napi::Object& o) {
  const std::string name = string_at(o, "pooler");
  if (name == "cls") return Pooler::cls;
  if (name == "pooler") return Pooler::pooler;
  if (name == "mean") return Pooler::mean;
  bad_argument("pooler: expected cls, pooler or mean, got " + name);
}

Projection projection_at(const Napi::Object& o) {
  const std::string name = string_at(o, "projection");
  if (name == "linear") return Projection::linear;
  if (name == "mlp") return Projection::mlp;
  if (name == "none") return Projection::none;
  bad_argument("projection: expected linear, mlp or none, got " + name);
}

BertConfig bert_config(const Napi::Object& o) {
  return {.positions = integer_at(o, "positions"),
          .first_position = integer_at(o, "firstPosition"),
          .token_types = integer_at(o, "tokenTypes"),
          .pooler = pooler_at(o),
          .ln_final = boolean_at(o, "lnFinal"),
          .projection = projection_at(o),
          .init_std = static_cast<float>(number_at(o, "initStd")),
          .custom_text = boolean_at(o, "customText")};
}

}  // namespace

Napi::Object object_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = at(o, key);
  if (!v.IsObject()) bad_argument(std::string(key) + ": expected an object");
  return v.As<Napi::Object>();
}

double number_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = at(o, key);
  if (!v.IsNumber()) bad_argument(std::string(key) + ": expected a number");
  const double x = v.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(x)) bad_argument(std::string(key) + ": expected a finite number");
  return x;
}

int64_t integer_at(const Napi::Object& o, const char* key) {
  const double x = number_at(o, key);
  if (x < 0 || x > 9007199254740992.0 || x != std::floor(x))
    bad_argument(std::string(key) + ": expected a whole number of at least 0, got " + std::to_string(x));
  return static_cast<int64_t>(x);
}

bool boolean_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = at(o, key);
  if (!v.IsBoolean()) bad_argument(std::string(key) + ": expected true or false");
  return v.As<Napi::Boolean>().Value();
}

std::string string_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = at(o, key);
  if (!v.IsString()) bad_argument(std::string(key) + ": expected a string");
  return v.As<Napi::String>().Utf8Value();
}

DType precision_of(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "something else";
  if (name == "fp32") return DType::f32;
  if (name == "bf16") return DType::bf16;
  if (name == "fp16") return DType::f16;
  bad_argument("precision: expected fp32, bf16 or fp16, got " + name);
}

std::vector<float> floats_at(const Napi::Object& o, const char* key) {
  return copy_array<float>(at(o, key), napi_float32_array, key);
}

ClipConfig model_config(const Napi::Object& o) {
  ClipConfig c;
  c.embed_dim = integer_at(o, "embedDim");
  c.init_logit_scale = static_cast<float>(number_at(o, "initLogitScale"));
  const Napi::Object vision = object_at(o, "vision"), text = object_at(o, "text");
  read_tower(vision, c.vision);
  c.vision.image_size = integer_at(vision, "imageSize");
  c.vision.patch_size = integer_at(vision, "patchSize");
  c.vision.mean = triple_at(vision, "mean");
  c.vision.std = triple_at(vision, "std");
  read_tower(text, c.text);
  c.text.context_length = integer_at(text, "contextLength");
  c.text.vocab_size = integer_at(text, "vocabSize");
  if (!at(text, "bert").IsUndefined()) c.text.bert = bert_config(object_at(text, "bert"));
  return c;
}

HostImages ImagesArgument::view() const {
  if (!floats.empty()) return {.data = floats.data(), .dtype = DType::f32, .count = count};
  return {.data = bytes.data(), .dtype = DType::u8, .count = count};
}

HostTokens TokensArgument::view() const {
  return {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = static_cast<int64_t>(pool.size())};
}

Batch BatchArgument::view() const {
  return {.images = images.view(),
          .tokens = tokens.view(),
          .reduction = reduction,
          .micro_batch = micro_batch,
          .checkpointing = checkpointing};
}

ImagesArgument images_argument(const Napi::Object& o, int64_t image_size) {
  ImagesArgument images;
  images.count = integer_at(o, "count");
  const Napi::Value data = at(o, "data");
  if (data.IsTypedArray() && data.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array)
    images.floats = copy_array<float>(data, napi_float32_array, "images.data");
  else
    images.bytes = copy_array<uint8_t>(data, napi_uint8_array, "images.data");
  const auto values = static_cast<int64_t>(images.bytes.size() + images.floats.size());
  if (images.count < 1 || values != images.count * 3 * image_size * image_size)
    bad_argument("images.data: expected " + std::to_string(images.count) + " × 3 × " + std::to_string(image_size) + " × " +
                 std::to_string(image_size) + " values, at least one image, got " + std::to_string(values) + " values");
  return images;
}

TokensArgument tokens_argument(const Napi::Object& o) {
  TokensArgument t{.ids = copy_array<int32_t>(at(o, "ids"), napi_int32_array, "tokens.ids"),
                   .offsets = copy_array<int32_t>(at(o, "offsets"), napi_int32_array, "tokens.offsets"),
                   .pool = copy_array<int32_t>(at(o, "pool"), napi_int32_array, "tokens.pool")};
  if (t.pool.empty() || t.offsets.size() != t.pool.size() + 1)
    bad_argument("tokens: expected one pool row a caption, at least one, and one offset more");
  for (size_t i = 0; i + 1 < t.offsets.size(); ++i)
    if (t.offsets[i + 1] < t.offsets[i]) bad_argument("tokens.offsets: must not fall");
  if (t.offsets.back() < 0 || static_cast<size_t>(t.offsets.back()) != t.ids.size())
    bad_argument("tokens.offsets: must end at the number of ids");
  return t;
}

Reduction reduction_argument(const Napi::Object& loss) {
  if (string_at(loss, "kind") != "infonce") bad_argument("loss.kind: expected infonce");
  const std::string reduction = string_at(loss, "reduction");
  if (reduction == "mean") return Reduction::mean;
  if (reduction == "sum") return Reduction::sum;
  bad_argument("loss.reduction: expected mean or sum, got " + reduction);
}

BatchArgument batch_argument(const Napi::Object& o, int64_t image_size) {
  return {.images = images_argument(object_at(o, "images"), image_size),
          .tokens = tokens_argument(object_at(o, "tokens")),
          .reduction = reduction_argument(object_at(o, "loss")),
          .micro_batch = integer_at(o, "microBatch"),
          .checkpointing = boolean_at(o, "checkpointing")};
}

namespace {
Rule rule_argument(const std::string& name) {
  if (name == "adamw") return Rule::adamw;
  if (name == "adam") return Rule::adam;
  if (name == "lion") return Rule::lion;
  if (name == "lamb") return Rule::lamb;
  if (name == "sgd") return Rule::sgd;
  bad_argument("optimizer.rule: expected adamw, adam, lion, lamb or sgd, got " + name);
}
}  // namespace

OptimizerSpec optimizer_argument(const Napi::Object& o) {
  return {.rule = rule_argument(string_at(o, "rule")),
          .beta1 = static_cast<float>(number_at(o, "beta1")),
          .beta2 = static_cast<float>(number_at(o, "beta2")),
          .eps = static_cast<float>(number_at(o, "eps")),
          .momentum = static_cast<float>(number_at(o, "momentum")),
          .lr_scale = floats_at(o, "lrScale"),
          .weight_decay = floats_at(o, "weightDecay")};
}

Optimizer::Step step_argument(const Napi::Object& o) {
  return {.lr = static_cast<float>(number_at(o, "lr")), .max_grad_norm = static_cast<float>(number_at(o, "maxGradNorm"))};
}

}  // namespace cw
