// Table of contents of the addon: what lib/native/addon.ts calls NativeAddon.
#include <napi.h>

#include "addon/collective_times.h"
#include "addon/cuda_description.h"
#include "addon/environment.h"
#include "addon/image.h"
#include "addon/loss_time.h"
#include "addon/parameter_list.h"
#include "addon/product_rate.h"
#include "addon/ranks.h"
#include "addon/read_summed.h"
#include "addon/session.h"
#include "addon/spare_memory.h"
#include "addon/world.h"
#include "engine/machine.h"

namespace cw {
namespace {

Napi::Value info(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Machine machine = describe_machine();
    auto o = Napi::Object::New(env);
    o.Set("isa", machine.isa);
    o.Set("fastBf16", machine.fast_bf16);
    o.Set("onednn", machine.onednn);
    o.Set("threads", machine.threads);
    o.Set("availableMemory", static_cast<double>(machine.available_memory));
    o.Set("cgroupMemory", static_cast<double>(machine.cgroup_memory));
    o.Set("packagedFor", "linux-x64");
    return o;
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment(env);
  env.SetInstanceData(environment);
  environment->session_class = Napi::Persistent(SessionObject::define(env));
  exports.Set("createSession", Napi::Function::New<&SessionObject::create>(env, "createSession"));
  exports.Set("resizePicture", Napi::Function::New<&resize_picture>(env, "resizePicture"));
  exports.Set("adjustPicture", Napi::Function::New<&adjust_picture>(env, "adjustPicture"));
  exports.Set("readSummed", Napi::Function::New<&read_summed>(env, "readSummed"));
  exports.Set("parametersOf", Napi::Function::New<&parameters_of>(env, "parametersOf"));
  exports.Set("bestOfCaptions", Napi::Function::New<&best_of_captions>(env, "bestOfCaptions"));
  exports.Set("rankFeatures", Napi::Function::New<&rank_features_of>(env, "rankFeatures"));
  exports.Set("rankMatrix", Napi::Function::New<&rank_matrix>(env, "rankMatrix"));
  exports.Set("productRate", Napi::Function::New<&product_rate_of>(env, "productRate"));
  exports.Set("memoryRate", Napi::Function::New<&memory_rate_of>(env, "memoryRate"));
  exports.Set("lossTime", Napi::Function::New<&loss_time_of>(env, "lossTime"));
  exports.Set("collectiveTimes", Napi::Function::New<&collective_times_of>(env, "collectiveTimes"));
  exports.Set("describeCuda", Napi::Function::New<&cuda_description>(env, "describeCuda"));
  exports.Set("joinWorld", Napi::Function::New<&join_world>(env, "joinWorld"));
  exports.Set("returnMemory", Napi::Function::New<&return_memory>(env, "returnMemory"));
  exports.Set("info", Napi::Function::New<&info>(env, "info"));
  return exports;
}

NODE_API_MODULE(clipwright, init)

}  // namespace
}  // namespace cw
