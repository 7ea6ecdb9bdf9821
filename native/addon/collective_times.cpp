#include "addon/collective_times.h"

#include <memory>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "dist/neighbours.h"
#include "engine/collective_times.h"

namespace cw {

Napi::Value collective_times_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const int threads = static_cast<int>(integer_at(o, "threads"));
    const int64_t most = integer_at(o, "mostBytes");
    const double seconds = number_at(o, "seconds");
    Environment& environment = Environment::of(env);
    const std::shared_ptr<Worker> worker = environment.service();
    auto times = std::make_shared<CollectiveTimes>();
    return environment.run(
        env, worker,
        [=, worker = worker.get(), device = string_at(o, "device")] {
          *times = collective_times(session_group(&worker->stop_flag()), device, threads, most, seconds);
        },
        [times](Napi::Env e) -> Napi::Value {
          auto all = Napi::Array::New(e, times->times.size());
          for (uint32_t i = 0; i < times->times.size(); ++i) {
            const CollectiveTime& t = times->times[i];
            auto one = Napi::Object::New(e);
            one.Set("name", kCollectiveNames[static_cast<size_t>(t.op)]);
            one.Set("bytes", static_cast<double>(t.bytes));
            one.Set("sent", static_cast<double>(t.sent));
            one.Set("calls", static_cast<double>(t.calls));
            one.Set("best", t.best);
            one.Set("median", t.median);
            all.Set(i, one);
          }
          auto result = Napi::Object::New(e);
          result.Set("way", times->way);
          result.Set("times", all);
          return result;
        });
  });
}

}  // namespace cw
