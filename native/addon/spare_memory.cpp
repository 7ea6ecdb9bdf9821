#include "addon/spare_memory.h"

#include <malloc.h>

#include "addon/environment.h"

namespace cw {

// glibc has an arena for each of up to eight threads a processor, and what is free inside one it keeps.
Napi::Value return_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    Environment& environment = Environment::of(env);
    return environment.run(
        env, environment.service(), [] { malloc_trim(0); }, [](Napi::Env e) { return e.Undefined(); });
  });
}

}  // namespace cw
