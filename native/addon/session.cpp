// How a session comes and goes, and what it says of itself.
#include "addon/session.h"

#include <omp.h>

#include "addon/arguments.h"
#include "addon/model.h"
#include "engine/names.h"
#include "addon/session_parts.h"

namespace cw {

Napi::Function SessionObject::define(Napi::Env env) {
  return DefineClass(env, "NativeSession",
                     {
                         InstanceAccessor<&SessionObject::device>("device"),
                         InstanceAccessor<&SessionObject::threads>("threads"),
                         InstanceAccessor<&SessionObject::fast_precision>("fastPrecision"),
                         InstanceAccessor<&SessionObject::concurrent>("concurrent"),
                         InstanceMethod<&SessionObject::parameters>("parameters"),
                         InstanceMethod<&SessionObject::initialize>("initialize"),
                         InstanceMethod<&SessionObject::read>("read"),
                         InstanceMethod<&SessionObject::write>("write"),
                         InstanceMethod<&SessionObject::write_stored>("writeStored"),
                         InstanceMethod<&SessionObject::set_trainable>("setTrainable"),
                         InstanceMethod<&SessionObject::set_rounded>("setRounded"),
                         InstanceMethod<&SessionObject::encode_images>("encodeImages"),
                         InstanceMethod<&SessionObject::encode_texts>("encodeTexts"),
                         InstanceMethod<&SessionObject::feature_loss>("featureLoss"),
                         InstanceMethod<&SessionObject::forward_backward>("forwardBackward"),
                         InstanceMethod<&SessionObject::zero_grad>("zeroGrad"),
                         InstanceMethod<&SessionObject::create_optimizer>("createOptimizer"),
                         InstanceMethod<&SessionObject::optimizer_step>("optimizerStep"),
                         InstanceMethod<&SessionObject::exchange_averages>("exchangeAverages"),
                         InstanceMethod<&SessionObject::add_adapters>("addAdapters"),
                         InstanceMethod<&SessionObject::merge_adapters>("mergeAdapters"),
                         InstanceMethod<&SessionObject::step>("step"),
                         InstanceMethod<&SessionObject::optimizer_steps>("optimizerSteps"),
                         InstanceMethod<&SessionObject::set_optimizer_steps>("setOptimizerSteps"),
                         InstanceMethod<&SessionObject::loss_scale>("lossScale"),
                         InstanceMethod<&SessionObject::set_loss_scale>("setLossScale"),
                         InstanceMethod<&SessionObject::join_group>("joinGroup"),
                         InstanceMethod<&SessionObject::plan>("plan"),
                         InstanceMethod<&SessionObject::profile>("profile"),
                         InstanceMethod<&SessionObject::op_times>("opTimes"),
                         InstanceMethod<&SessionObject::traffic>("traffic"),
                         InstanceMethod<&SessionObject::dispose>("dispose"),
                     });
}

Napi::Value SessionObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const Session::Options options{.model = model_config(object_at(o, "model")),
                                   .device = string_at(o, "device"),
                                   .precision = named_in(kPrecisions, o.Get("precision"), "precision"),
                                   .threads = static_cast<int>(integer_at(o, "threads")),
                                   .trainable = boolean_at(o, "trainable"),
                                   .rounded = boolean_at(o, "rounded")};
    Environment& environment = Environment::of(env);
    auto parts = std::make_shared<Parts>();
    parts->worker = environment.start_worker();
    parts->image_size = options.model.vision.image_size;
    parts->embed_dim = options.model.embed_dim;
    const auto work = [parts, options] {
      try {
        parts->session = std::make_unique<Session>(options, &parts->worker->stop_flag());
      } catch (...) {
        parts->worker->close();  // nobody will: there is no object to dispose of
        throw;
      }
      parts->device = parts->session->device();
      parts->fast_precision = parts->session->fast_precision();
      parts->concurrent = parts->session->concurrent();
      parts->threads = omp_get_max_threads();
      parts->parameters = shapes_of(parts->session->parameters());
      for (size_t i = 0; i < parts->parameters.size(); ++i) parts->parameters[i].rounded = parts->session->is_rounded(i);
    };
    return environment.run(env, parts->worker, work, [parts](Napi::Env e) -> Napi::Value {
      auto* holder = new std::shared_ptr<Parts>(parts);
      return Environment::of(e).session_class.New({Napi::External<std::shared_ptr<Parts>>::New(e, holder)});
    });
  });
}

SessionObject::SessionObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionObject>(info) {
  if (!info[0].IsExternal())
    throw js_error(info.Env(), Code::invalid_argument, "a session is made by createSession");
  const std::unique_ptr<std::shared_ptr<Parts>> holder(info[0].As<Napi::External<std::shared_ptr<Parts>>>().Data());
  parts_ = *holder;
}

// A garbage-collected session does not make anybody wait: its thread is told to end and joined later.
SessionObject::~SessionObject() {
  if (!parts_ || parts_->worker->finished()) return;  // finished: perhaps the environment is gone, too
  parts_->worker->post([parts = parts_] { end(*parts); });
  Environment::of(Env()).retire(parts_->worker);
}

/// On the worker: results that are still to come belong to the session.
void SessionObject::end(Parts& parts) {
  parts.worker->run_deferred();
  parts.session.reset();
}

Napi::Value SessionObject::device(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), parts_->device); }
Napi::Value SessionObject::threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), parts_->threads); }
Napi::Value SessionObject::fast_precision(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), parts_->fast_precision);
}
Napi::Value SessionObject::concurrent(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), parts_->concurrent);
}

Napi::Value SessionObject::dispose(const Napi::CallbackInfo& info) {
  Environment& environment = Environment::of(info.Env());
  if (parts_->worker->stopping()) {  // again: nothing is left to do
    auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Resolve(info.Env().Undefined());
    return deferred.Promise();
  }
  const Napi::Promise done = environment.run(
      info.Env(), parts_->worker, [parts = parts_] { end(*parts); }, [](Napi::Env env) { return env.Undefined(); },
      Environment::When::closing);
  environment.retire(parts_->worker);
  return done;
}

}  // namespace cw
