#include "addon/similarity.h"

#include <memory>
#include <utility>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "engine/similarity.h"

namespace cw {

Napi::Value similarity(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    auto a = copy_array<float>(info[0], napi_float32_array, "a");
    auto b = copy_array<float>(info[1], napi_float32_array, "b");
    const int64_t d = info[2].IsNumber() ? info[2].As<Napi::Number>().Int64Value() : 0;
    const auto n = static_cast<int64_t>(a.size()) / std::max<int64_t>(d, 1);
    const auto m = static_cast<int64_t>(b.size()) / std::max<int64_t>(d, 1);
    if (d < 1 || n * d != static_cast<int64_t>(a.size()) || m * d != static_cast<int64_t>(b.size()))
      bad_argument("a, b: expected [n, dim] and [m, dim] with dim at least 1");
    auto array = Napi::Float32Array::New(env, static_cast<size_t>(n * m));
    auto kept = std::make_shared<Napi::Reference<Napi::Float32Array>>(Napi::Persistent(array));
    Environment& environment = Environment::of(env);
    return environment.run(
        env, environment.service(),
        [&environment, a = std::move(a), b = std::move(b), n, m, d, to = array.Data()] {
          if (!environment.similarity) environment.similarity = std::make_unique<Similarity>(0);
          if (n > 0 && m > 0) environment.similarity->multiply(a.data(), n, b.data(), m, d, to);
        },
        [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
  });
}

}  // namespace cw
