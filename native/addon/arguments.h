// Reading JavaScript values, with messages that name the field. Throws cw::Error invalid_argument.
#pragma once
#include <napi.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/names.h"

namespace cw {

[[noreturn]] inline void bad_argument(const std::string& what) { throw Error(Code::invalid_argument, what); }

/// Argument i of a call.
Napi::Object object_argument(const Napi::CallbackInfo& info, size_t i);
int64_t integer_argument(const Napi::CallbackInfo& info, size_t i);

Napi::Object object_at(const Napi::Object& o, const char* key);
double number_at(const Napi::Object& o, const char* key);
/// A whole number in 0 .. 2^53; throws when it is not.
int64_t integer_at(const Napi::Object& o, const char* key);
/// The same, or nothing where the key is left out.
std::optional<int64_t> optional_integer_at(const Napi::Object& o, const char* key);
bool boolean_at(const Napi::Object& o, const char* key);
std::string string_at(const Napi::Object& o, const char* key);

/// One of the names of a table; what it stands for. `field` is what messages call it.
template <class T, size_t N>
const T& named_in(const Named<T> (&table)[N], const Napi::Value& value, const char* field) {
  return named(table, value.IsString() ? value.As<Napi::String>().Utf8Value() : "something else", field);
}

/// A typed array of exactly this element type where it lies, in memory of JavaScript's: for this call, or for as long as a
/// reference holds the array and nobody transfers it. Detached or shared buffers are refused.
template <class T>
std::span<const T> array_in_place(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    bad_argument(std::string(name) + ": expected another kind of typed array");
  const auto array = value.As<Napi::TypedArray>();
  if (array.ElementLength() == 0) return {};
  if (!array.Buffer().IsArrayBuffer()) bad_argument(std::string(name) + ": shared buffers are not accepted; copy it first");
  const auto* from = static_cast<const std::byte*>(array.ArrayBuffer().Data());
  if (!from) bad_argument(std::string(name) + ": its buffer was detached; pass an array that still owns its memory");
  return {reinterpret_cast<const T*>(from + array.ByteOffset()), array.ElementLength()};
}

/// The same, copied out of JavaScript.
template <class T>
std::vector<T> copy_array(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  const std::span<const T> array = array_in_place<T>(value, type, name);
  return {array.begin(), array.end()};
}

std::vector<float> floats_at(const Napi::Object& o, const char* key);

}  // namespace cw
