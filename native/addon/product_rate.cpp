#include "addon/product_rate.h"

#include <memory>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "engine/names.h"
#include "engine/product_rate.h"

namespace cw {
namespace {

int64_t size_at(const Napi::Object& o, const char* key) {
  const int64_t size = integer_at(o, key);
  if (size < 1) bad_argument(std::string(key) + ": expected at least 1");
  return size;
}

}  // namespace

Napi::Value product_rate_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const ProductShape shape{.type = named_in(kPrecisions, o.Get("precision"), "precision"),
                             .pass = named_in(kPasses, o.Get("pass"), "pass"),
                             .rows = size_at(o, "rows"),
                             .in = size_at(o, "inputs"),
                             .out = size_at(o, "outputs"),
                             .threads = static_cast<int>(integer_at(o, "threads"))};
    Environment& environment = Environment::of(env);
    auto rate = std::make_shared<double>(0);
    return environment.run(
        env, environment.service(), [rate, shape] { *rate = product_rate(shape); },
        [rate](Napi::Env e) -> Napi::Value { return Napi::Number::New(e, *rate); });
  });
}

Napi::Value memory_rate_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const int threads = static_cast<int>(integer_argument(info, 0));
    Environment& environment = Environment::of(env);
    auto rate = std::make_shared<double>(0);
    return environment.run(
        env, environment.service(), [rate, threads] { *rate = memory_rate(threads); },
        [rate](Napi::Env e) -> Napi::Value { return Napi::Number::New(e, *rate); });
  });
}

}  // namespace cw
