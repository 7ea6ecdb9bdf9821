#include "addon/arguments.h"

#include <cmath>

namespace cw {

Napi::Object object_argument(const Napi::CallbackInfo& info, size_t i) {
  if (!info[i].IsObject()) bad_argument("argument " + std::to_string(i + 1) + ": expected an object");
  return info[i].As<Napi::Object>();
}

int64_t integer_argument(const Napi::CallbackInfo& info, size_t i) {
  if (!info[i].IsNumber()) bad_argument("argument " + std::to_string(i + 1) + ": expected a number");
  return info[i].As<Napi::Number>().Int64Value();
}

Napi::Object object_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  if (!v.IsObject()) bad_argument(std::string(key) + ": expected an object");
  return v.As<Napi::Object>();
}

double number_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
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

std::optional<int64_t> optional_integer_at(const Napi::Object& o, const char* key) {
  if (o.Get(key).IsUndefined()) return {};
  return integer_at(o, key);
}

bool boolean_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  if (!v.IsBoolean()) bad_argument(std::string(key) + ": expected true or false");
  return v.As<Napi::Boolean>().Value();
}

std::string string_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  if (!v.IsString()) bad_argument(std::string(key) + ": expected a string");
  return v.As<Napi::String>().Utf8Value();
}

std::vector<float> floats_at(const Napi::Object& o, const char* key) {
  return copy_array<float>(o.Get(key), napi_float32_array, key);
}

}  // namespace cw
