// Reading JavaScript values, with messages that name the field. Throws cw::Error invalid_argument.
#pragma once
#include <napi.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "engine/batch.h"
#include "engine/session.h"

namespace cw {

[[noreturn]] inline void bad_argument(const std::string& what) { throw Error(Code::invalid_argument, what); }

Napi::Object object_at(const Napi::Object& o, const char* key);
double number_at(const Napi::Object& o, const char* key);
/// A whole number in 0 .. 2^53; throws when it is not.
int64_t integer_at(const Napi::Object& o, const char* key);
bool boolean_at(const Napi::Object& o, const char* key);
std::string string_at(const Napi::Object& o, const char* key);

/// Copies a typed array of exactly this element type out of JavaScript; detached or shared buffers are refused.
template <class T>
std::vector<T> copy_array(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    bad_argument(std::string(name) + ": expected another kind of typed array");
  const auto array = value.As<Napi::TypedArray>();
  std::vector<T> copy(array.ElementLength());
  if (!copy.empty()) {
    if (!array.Buffer().IsArrayBuffer()) bad_argument(std::string(name) + ": shared buffers are not accepted; copy it first");
    const auto* from = static_cast<const std::byte*>(array.ArrayBuffer().Data());
    if (!from) bad_argument(std::string(name) + ": its buffer was detached; pass an array that still owns its memory");
    std::memcpy(copy.data(), from + array.ByteOffset(), copy.size() * sizeof(T));
  }
  return copy;
}

/// 'fp32', 'bf16' or 'fp16'.
DType precision_of(const Napi::Value& value);

std::vector<float> floats_at(const Napi::Object& o, const char* key);

ClipConfig model_config(const Napi::Object& o);

/// Host memory that a job takes along.
struct ImagesArgument {
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
  int64_t count = 0;
  HostImages view() const;
};
struct TokensArgument {
  std::vector<int32_t> ids, offsets, pool;
  HostTokens view() const;
};
struct BatchArgument {
  ImagesArgument images;
  TokensArgument tokens;
  Reduction reduction = Reduction::mean;
  int64_t micro_batch = 0;
  bool checkpointing = false;
  Batch view() const;
};

ImagesArgument images_argument(const Napi::Object& o, int64_t image_size);
TokensArgument tokens_argument(const Napi::Object& o);
Reduction reduction_argument(const Napi::Object& loss);
BatchArgument batch_argument(const Napi::Object& o, int64_t image_size);
OptimizerSpec optimizer_argument(const Napi::Object& o);
Optimizer::Step step_argument(const Napi::Object& o);

}  // namespace cw
