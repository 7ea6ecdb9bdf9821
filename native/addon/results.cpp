#include "addon/results.h"

#include <algorithm>

namespace cw {
namespace {

void put(Napi::Object& o, const Optimizer::Result& r) {
  o.Set("gradNorm", r.grad_norm);
  o.Set("skipped", r.skipped);
  if (r.loss_scale > 0) o.Set("lossScale", r.loss_scale);
}

void put(Napi::Object& o, const std::optional<double>& device_ms) {
  if (device_ms) o.Set("deviceMs", *device_ms);
}

void put(Napi::Object& o, const Session::Loss& l) {
  o.Set("loss", l.loss);
  o.Set("logitScale", l.logit_scale);
}

void put(Napi::Object& o, const std::vector<float>& statistics) {
  if (statistics.empty()) return;
  auto array = Napi::Float32Array::New(o.Env(), statistics.size());
  std::copy(statistics.begin(), statistics.end(), array.Data());
  o.Set("statistics", array);
}

template <class... Parts>
Napi::Value object_of(Napi::Env env, const Parts&... parts) {
  auto o = Napi::Object::New(env);
  (put(o, parts), ...);
  return o;
}

}  // namespace

Napi::Value to_value(Napi::Env env, const Session::Loss& loss) { return object_of(env, loss); }

Napi::Value to_value(Napi::Env env, const Optimizer::Result& result) { return object_of(env, result); }

Napi::Value to_value(Napi::Env env, const Session::Step& step) {
  Napi::Value o = object_of(env, step.loss, step.optimizer, step.device_ms, step.statistics);
  if (step.micro_batch > 0) o.As<Napi::Object>().Set("microBatch", static_cast<double>(step.micro_batch));
  return o;
}

Napi::Value to_value(Napi::Env env, const std::optional<LossScaling>& scaling) {
  if (!scaling) return env.Undefined();
  auto o = Napi::Object::New(env);
  o.Set("value", scaling->value);
  o.Set("goodSteps", scaling->good_steps);
  return o;
}

Napi::Value to_value(Napi::Env env, const std::optional<ReadFailure>& failure) {
  if (!failure) return env.Undefined();
  auto o = Napi::Object::New(env);
  o.Set("position", static_cast<double>(failure->position));
  o.Set("error", failure->error);
  return o;
}

Napi::Value to_value(Napi::Env env, const Session::Plan& plan) {
  auto o = Napi::Object::New(env);
  o.Set("parameters", static_cast<double>(plan.parameters));
  o.Set("gradients", static_cast<double>(plan.gradients));
  o.Set("optimizer", static_cast<double>(plan.optimizer));
  o.Set("step", static_cast<double>(plan.step));
  o.Set("total", static_cast<double>(plan.total()));
  o.Set("available", static_cast<double>(plan.available));
  return o;
}

Napi::Value to_value(Napi::Env env, const std::vector<OpTime>& times) {
  auto all = Napi::Array::New(env, times.size());
  for (uint32_t i = 0; i < times.size(); ++i) {
    const OpTime& t = times[i];
    auto o = Napi::Object::New(env);
    o.Set("name", t.name);
    o.Set("shape", t.shape);
    o.Set("calls", static_cast<double>(t.calls));
    o.Set("launches", static_cast<double>(t.launches));
    o.Set("ms", t.ms);
    o.Set("flops", t.flops);
    o.Set("bytes", t.bytes);
    all.Set(i, o);
  }
  return all;
}

Napi::Value to_value(Napi::Env env, const TrafficByKind& traffic) {
  auto o = Napi::Object::New(env);
  for (size_t i = 0; i < traffic.size(); ++i) {
    auto one = Napi::Object::New(env);
    one.Set("calls", static_cast<double>(traffic[i].calls));
    one.Set("bytes", static_cast<double>(traffic[i].words * 4));
    o.Set(kCollectiveNames[i], one);
  }
  return o;
}

}  // namespace cw
