#include "addon/batch.h"

#include <string>
#include <utility>

#include "addon/arguments.h"

namespace cw {

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
          .loss = loss.get(),
          .micro_batch = micro_batch,
          .checkpointing = checkpointing};
}

ImagesArgument images_argument(const Napi::Object& o, int64_t image_size) {
  ImagesArgument images;
  images.count = integer_at(o, "count");
  const Napi::Value data = o.Get("data");
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

BatchArgument batch_argument(const Napi::Object& o, int64_t image_size) {
  return {.images = images_argument(object_at(o, "images"), image_size),
          .tokens = tokens_argument(object_at(o, "tokens")),
          .loss = loss_argument(object_at(o, "loss")),
          .micro_batch = integer_at(o, "microBatch"),
          .checkpointing = boolean_at(o, "checkpointing")};
}

}  // namespace cw
