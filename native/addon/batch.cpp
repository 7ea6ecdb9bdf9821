#include "addon/batch.h"

#include <span>
#include <string>
#include <utility>

#include "addon/arguments.h"

namespace cw {
namespace {

PatchDropout patch_dropout_argument(const Napi::Object& batch) {
  if (batch.Get("patchDropout").IsUndefined()) return {};
  const Napi::Object o = object_at(batch, "patchDropout");
  return {.kept = integer_at(o, "kept"),
          .seed = static_cast<uint64_t>(integer_at(o, "seed")),
          .step = static_cast<uint32_t>(integer_at(o, "step"))};
}

std::optional<DropoutDraws> dropout_argument(const Napi::Object& batch) {
  if (batch.Get("dropout").IsUndefined()) return {};
  const Napi::Object o = object_at(batch, "dropout");
  return DropoutDraws{.seed = static_cast<uint64_t>(integer_at(o, "seed")),
                      .step = static_cast<uint32_t>(integer_at(o, "step"))};
}

TeacherArgument teacher_argument(const Napi::Object& batch, int64_t count) {
  if (batch.Get("teacher").IsUndefined()) return {};
  const Napi::Object o = object_at(batch, "teacher");
  TeacherArgument t{.image = floats_at(o, "image"), .text = floats_at(o, "text"), .dim = integer_at(o, "dim"),
                    .logit_scale = static_cast<float>(number_at(o, "logitScale"))};
  for (const std::vector<float>* features : {&t.image, &t.text})
    if (t.dim < 1 || static_cast<int64_t>(features->size()) != count * t.dim)
      bad_argument("teacher: expected " + std::to_string(count) + " × dim values of each tower, dim at least 1");
  return t;
}

/// NativeFeatures: those of a tower that is not run. Empty where the object holds its input.
std::vector<float> features_at(const Napi::Object& o, int64_t embed_dim) {
  if (o.Get("features").IsUndefined()) return {};
  std::vector<float> features = floats_at(o, "features");
  const int64_t count = integer_at(o, "count");
  if (count < 1 || static_cast<int64_t>(features.size()) != count * embed_dim)
    bad_argument("features: expected " + std::to_string(count) + " × " + std::to_string(embed_dim) + " values, at least one row, got " +
                 std::to_string(features.size()) + " values");
  return features;
}

}  // namespace

HostImages ImagesArgument::view() const {
  HostImages view = images;
  if (!features.empty()) view.features = features.data();
  return view;
}

HostTokens TokensArgument::view() const {
  if (!features.empty()) return {.count = count, .features = features.data()};
  return {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = static_cast<int64_t>(pool.size())};
}

Batch BatchArgument::view() const {
  HostImages pictures = images.view();
  pictures.dropout = patch_dropout;
  pictures.first = first;
  HostTokens captions = tokens.view();
  captions.dropout = dropout;
  captions.first = first;
  return {.images = pictures,
          .tokens = captions,
          .teacher = {.image = teacher.image.data(), .text = teacher.text.data(), .dim = teacher.dim,
                      .logit_scale = teacher.logit_scale},
          .loss = loss.get(),
          .groups = groups.empty() ? nullptr : groups.data(),
          .total = total,
          .micro_batch = micro_batch,
          .checkpointing = checkpointing,
          .may_halve = may_halve,
          .statistics = statistics};
}

ImagesArgument images_argument(const Napi::Object& o, int64_t image_size, Pictures where) {
  const int64_t count = integer_at(o, "count");
  const Napi::Value data = o.Get("data");
  const bool floats = data.IsTypedArray() && data.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const std::span<const std::byte> bytes =
      floats ? std::as_bytes(array_in_place<float>(data, napi_float32_array, "images.data"))
             : std::as_bytes(array_in_place<uint8_t>(data, napi_uint8_array, "images.data"));
  const DType dtype = floats ? DType::f32 : DType::u8;
  const auto values = static_cast<int64_t>(bytes.size() / size_of(dtype));
  if (count < 1 || values != count * 3 * image_size * image_size)
    bad_argument("images.data: expected " + std::to_string(count) + " × 3 × " + std::to_string(image_size) + " × " +
                 std::to_string(image_size) + " values, at least one image, got " + std::to_string(values) + " values");
  ImagesArgument argument{.images = {.data = bytes.data(), .dtype = dtype, .count = count}};
  if (where == Pictures::copied) {
    argument.copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    argument.images.data = argument.copy->data();
  }
  return argument;
}

TokensArgument tokens_argument(const Napi::Object& o) {
  TokensArgument t{.ids = copy_array<int32_t>(o.Get("ids"), napi_int32_array, "tokens.ids"),
                   .offsets = copy_array<int32_t>(o.Get("offsets"), napi_int32_array, "tokens.offsets"),
                   .pool = copy_array<int32_t>(o.Get("pool"), napi_int32_array, "tokens.pool")};
  if (t.pool.empty() || t.offsets.size() != t.pool.size() + 1)
    bad_argument("tokens: expected one pool row a caption, at least one, and one offset more");
  for (size_t i = 0; i + 1 < t.offsets.size(); ++i)
    if (t.offsets[i + 1] < t.offsets[i]) bad_argument("tokens.offsets: must not fall");
  if (t.offsets.back() < 0 || static_cast<size_t>(t.offsets.back()) != t.ids.size())
    bad_argument("tokens.offsets: must end at the number of ids");
  return t;
}

std::shared_ptr<const PairLoss> loss_argument(const Napi::Object& o) {
  PairLossSpec spec{.kind = string_at(o, "kind")};
  const Napi::Array keys = o.GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i)
    if (const std::string key = keys.Get(i).As<Napi::String>(); key != "kind") spec.options[key] = string_at(o, key.c_str());
  return make_pair_loss(spec);
}

std::vector<int32_t> groups_argument(const Napi::Object& batch, size_t pairs) {
  if (batch.Get("groups").IsUndefined()) return {};
  auto groups = copy_array<int32_t>(batch.Get("groups"), napi_int32_array, "groups");
  if (groups.size() != pairs)
    bad_argument("groups: expected one for each of " + std::to_string(pairs) + " pairs, got " + std::to_string(groups.size()));
  return groups;
}

BatchArgument batch_argument(const Napi::Object& o, int64_t image_size, int64_t embed_dim, Pictures where) {
  const Napi::Object given_images = object_at(o, "images"), given_tokens = object_at(o, "tokens");
  ImagesArgument images{.features = features_at(given_images, embed_dim)};
  if (images.features.empty())
    images = images_argument(given_images, image_size, where);
  else
    images.images.count = integer_at(given_images, "count");
  TokensArgument tokens{.features = features_at(given_tokens, embed_dim)};
  if (tokens.features.empty())
    tokens = tokens_argument(given_tokens);
  else
    tokens.count = integer_at(given_tokens, "count");
  const int64_t total = integer_at(o, "total"), pairs = images.images.count;
  std::vector<int32_t> groups = groups_argument(o, static_cast<size_t>(total > 0 ? total : pairs));
  return {.images = std::move(images),
          .tokens = std::move(tokens),
          .teacher = teacher_argument(o, pairs),
          .loss = loss_argument(object_at(o, "loss")),
          .groups = std::move(groups),
          .micro_batch = integer_at(o, "microBatch"),
          .checkpointing = boolean_at(o, "checkpointing"),
          .may_halve = boolean_at(o, "mayHalve"),
          .statistics = o.Get("statistics").ToBoolean(),
          .patch_dropout = patch_dropout_argument(o),
          .dropout = dropout_argument(o),
          .first = integer_at(o, "first"),
          .total = total};
}

}  // namespace cw
