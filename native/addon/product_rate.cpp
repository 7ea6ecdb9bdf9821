#include "addon/product_rate.h"

#include <memory>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "engine/names.h"
#include "engine/product_rate.h"

namespace cw {

Napi::Value product_rate_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const DType type = named_in(kPrecisions, info[0], "precision");
    Environment& environment = Environment::of(env);
    auto rate = std::make_shared<double>(0);
    return environment.run(
        env, environment.service(), [rate, type] { *rate = product_rate(type); },
        [rate](Napi::Env e) -> Napi::Value { return Napi::Number::New(e, *rate); });
  });
}

}  // namespace cw
