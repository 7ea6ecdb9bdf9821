#include "addon/cuda_description.h"

#include <memory>

#include "addon/environment.h"
#include "engine/machine.h"

namespace cw {
namespace {

Napi::Object card_object(Napi::Env env, const CudaCard& card) {
  auto o = Napi::Object::New(env);
  o.Set("name", card.name);
  o.Set("bytes", static_cast<double>(card.bytes));
  o.Set("freeBytes", static_cast<double>(card.free_bytes));
  o.Set("computeCapability", std::to_string(card.major) + "." + std::to_string(card.minor));
  return o;
}

}  // namespace

Napi::Value cuda_description(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    Environment& environment = Environment::of(env);
    auto description = std::make_shared<CudaDescription>();
    return environment.run(
        env, environment.service(), [description] { *description = describe_cuda(); },
        [description](Napi::Env e) -> Napi::Value {
          auto o = Napi::Object::New(e);
          o.Set("driver", description->driver);
          o.Set("runtime", description->runtime);
          o.Set("cublaslt", description->cublaslt);
          auto cards = Napi::Array::New(e);
          for (const CudaCard& card : description->cards) cards.Set(cards.Length(), card_object(e, card));
          o.Set("cards", cards);
          o.Set("problem", description->problem);
          return o;
        });
  });
}

}  // namespace cw
