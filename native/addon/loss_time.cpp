#include "addon/loss_time.h"

#include <memory>

#include "addon/arguments.h"
#include "addon/batch.h"
#include "addon/environment.h"
#include "engine/loss_time.h"
#include "engine/names.h"

namespace cw {

Napi::Value loss_time_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const auto loss = loss_argument(object_at(o, "loss"));
    const DType products = named_in(kPrecisions, o.Get("precision"), "precision");
    const int64_t pairs = integer_at(o, "pairs"), width = integer_at(o, "width");
    const int threads = static_cast<int>(integer_at(o, "threads")), runs = static_cast<int>(integer_at(o, "runs"));
    Environment& environment = Environment::of(env);
    auto time = std::make_shared<LossTime>();
    return environment.run(
        env, environment.service(),
        [=, device = string_at(o, "device")] { *time = loss_time(*loss, device, threads, pairs, width, products, runs); },
        [time](Napi::Env e) -> Napi::Value {
          auto result = Napi::Object::New(e);
          result.Set("seconds", time->seconds);
          result.Set("extraBytes", static_cast<double>(time->extra_bytes));
          result.Set("measured", time->measured);
          return result;
        });
  });
}

}  // namespace cw
