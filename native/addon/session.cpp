#include "addon/session.h"

#include <omp.h>

#include <type_traits>
#include <utility>

#include "addon/arguments.h"
#include "addon/parameter_list.h"

namespace cw {

/// The session lives and dies on its worker; jobs in flight keep it alive.
struct SessionObject::Parts {
  std::shared_ptr<Worker> worker;
  std::unique_ptr<Session> session;
  int64_t image_size = 0, embed_dim = 0;
  std::string device;
  int threads = 0;
  bool fast_precision = true, concurrent = false;
  std::vector<ParameterShape> parameters;

  Session& demand() const {
    if (!session) throw Error(Code::disposed, "this model was disposed; create or load it again");
    return *session;
  }
};

namespace {

Napi::Object object_argument(const Napi::CallbackInfo& info, size_t i) {
  if (!info[i].IsObject()) bad_argument("argument " + std::to_string(i + 1) + ": expected an object");
  return info[i].As<Napi::Object>();
}

int64_t integer_argument(const Napi::CallbackInfo& info, size_t i, int64_t fallback = -1) {
  if (info[i].IsUndefined() && fallback >= 0) return fallback;
  if (!info[i].IsNumber()) bad_argument("argument " + std::to_string(i + 1) + ": expected a number");
  return info[i].As<Napi::Number>().Int64Value();
}

Session::Slot slot_argument(const Napi::CallbackInfo& info, size_t i) {
  const std::string name = info[i].IsString() ? info[i].As<Napi::String>().Utf8Value() : "";
  if (name == "value") return Session::Slot::value;
  if (name == "grad") return Session::Slot::grad;
  if (name == "m") return Session::Slot::m;
  if (name == "v") return Session::Slot::v;
  bad_argument("slot: expected value, grad, m or v");
}

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

void put(Napi::Object& o, const Optimizer::Result& r) {
  o.Set("gradNorm", r.grad_norm);
  o.Set("skipped", r.skipped);
  if (r.loss_scale > 0) o.Set("lossScale", r.loss_scale);
}

void put(Napi::Object& o, const Session::Loss& l) {
  o.Set("loss", l.loss);
  o.Set("logitScale", l.logit_scale);
}

}  // namespace

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
                         InstanceMethod<&SessionObject::set_trainable>("setTrainable"),
                         InstanceMethod<&SessionObject::encode_images>("encodeImages"),
                         InstanceMethod<&SessionObject::encode_texts>("encodeTexts"),
                         InstanceMethod<&SessionObject::feature_loss>("featureLoss"),
                         InstanceMethod<&SessionObject::forward_backward>("forwardBackward"),
                         InstanceMethod<&SessionObject::zero_grad>("zeroGrad"),
                         InstanceMethod<&SessionObject::create_optimizer>("createOptimizer"),
                         InstanceMethod<&SessionObject::optimizer_step>("optimizerStep"),
                         InstanceMethod<&SessionObject::step>("step"),
                         InstanceMethod<&SessionObject::optimizer_steps>("optimizerSteps"),
                         InstanceMethod<&SessionObject::set_optimizer_steps>("setOptimizerSteps"),
                         InstanceMethod<&SessionObject::loss_scale>("lossScale"),
                         InstanceMethod<&SessionObject::set_loss_scale>("setLossScale"),
                         InstanceMethod<&SessionObject::plan>("plan"),
                         InstanceMethod<&SessionObject::dispose>("dispose"),
                     });
}

Napi::Value SessionObject::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const Session::Options options{.model = model_config(object_at(o, "model")),
                                   .device = string_at(o, "device"),
                                   .precision = precision_of(o.Get("precision")),
                                   .threads = static_cast<int>(integer_at(o, "threads"))};
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

template <class Work, class Finish>
Napi::Value SessionObject::queue(const Napi::CallbackInfo& info, Work work, Finish finish) {
  auto job = [parts = parts_, work = std::move(work)]() mutable { return work(parts->demand()); };
  Environment& environment = Environment::of(info.Env());
  if constexpr (std::is_void_v<std::invoke_result_t<Work&, Session&>>)
    return environment.run(info.Env(), parts_->worker, std::move(job), std::move(finish));
  else
    return environment.run_in_two(info.Env(), parts_->worker, std::move(job), std::move(finish));
}

template <class Work>
Napi::Value SessionObject::queue_floats(const Napi::CallbackInfo& info, size_t count, Work work) {
  // The array is made here and filled over there: a copy of a large tensor would hold up the event loop.
  auto array = Napi::Float32Array::New(info.Env(), count);
  float* to = array.Data();
  auto kept = std::make_shared<Napi::Reference<Napi::Float32Array>>(Napi::Persistent(array));
  return queue(
      info, [to, work = std::move(work)](Session& s) mutable { work(s, to); },
      [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
}

Napi::Value SessionObject::device(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), parts_->device); }
Napi::Value SessionObject::threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), parts_->threads); }
Napi::Value SessionObject::fast_precision(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), parts_->fast_precision);
}
Napi::Value SessionObject::concurrent(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), parts_->concurrent);
}

Napi::Value SessionObject::parameters(const Napi::CallbackInfo& info) {
  return list_of(info.Env(), parts_->parameters);
}

Napi::Value SessionObject::initialize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto seed = static_cast<uint64_t>(integer_argument(info, 0));
    return queue(info, [seed](Session& s) { s.initialize(seed); }, undefined);
  });
}

size_t SessionObject::parameter_argument(const Napi::CallbackInfo& info) const {
  const int64_t i = integer_argument(info, 0);
  if (i < 0 || static_cast<size_t>(i) >= parts_->parameters.size())
    bad_argument("index: there is no parameter " + std::to_string(i));
  return static_cast<size_t>(i);
}

/// From the element that argument i names (0 when it is left out), `count` of them.
ElementSpan SessionObject::span_argument(const Napi::CallbackInfo& info, size_t i, size_t index, int64_t count) const {
  const int64_t first = integer_argument(info, i, 0), all = parts_->parameters[index].count;
  if (first < 0 || count < 0 || first > all - count)
    bad_argument("elements: expected some of " + std::to_string(all) + ", got " + std::to_string(count) + " from " +
                 std::to_string(first));
  return {.first = first, .count = count};
}

Napi::Value SessionObject::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = parameter_argument(info);
    const Session::Slot slot = slot_argument(info, 1);
    const int optimizer = static_cast<int>(integer_argument(info, 2, 0));
    const ElementSpan span = span_argument(info, 3, index, integer_argument(info, 4, parts_->parameters[index].count));
    return queue_floats(info, static_cast<size_t>(span.count),
                        [=](Session& s, float* to) { s.read(index, slot, optimizer, to, span); });
  });
}

Napi::Value SessionObject::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = parameter_argument(info);
    const Session::Slot slot = slot_argument(info, 1);
    auto values = copy_array<float>(info[2], napi_float32_array, "data");
    const int optimizer = static_cast<int>(integer_argument(info, 3, 0));
    const auto count = static_cast<int64_t>(values.size());
    if (info[4].IsUndefined() && count != parts_->parameters[index].count)
      bad_argument("data: expected " + std::to_string(parts_->parameters[index].count) + " values, got " + std::to_string(count));
    const ElementSpan span = span_argument(info, 4, index, count);
    return queue(info, [=, values = std::move(values)](Session& s) { s.write(index, slot, optimizer, values.data(), span); },
                 undefined);
  });
}

Napi::Value SessionObject::set_trainable(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = parameter_argument(info);
    const bool trainable = info[1].ToBoolean();
    return queue(info, [=](Session& s) { s.set_trainable(index, trainable); }, undefined);
  });
}

template <class Read>
Napi::Value SessionObject::queue_encode(const Napi::CallbackInfo& info, int64_t count, Read read) {
  return queue_floats(info, static_cast<size_t>(count * parts_->embed_dim), std::move(read));
}

Napi::Value SessionObject::encode_images(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto images = images_argument(object_argument(info, 0), parts_->image_size);
    const int64_t count = images.count;
    const bool normalize = info[1].ToBoolean();
    return queue_encode(info, count, [normalize, images = std::move(images)](Session& s, float* to) {
      s.encode_images(images.view(), normalize, to);
    });
  });
}

Napi::Value SessionObject::encode_texts(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto tokens = tokens_argument(object_argument(info, 0));
    const auto count = static_cast<int64_t>(tokens.pool.size());
    const bool normalize = info[1].ToBoolean();
    return queue_encode(info, count, [normalize, tokens = std::move(tokens)](Session& s, float* to) {
      s.encode_texts(tokens.view(), normalize, to);
    });
  });
}

Napi::Value SessionObject::feature_loss(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto image = copy_array<float>(info[0], napi_float32_array, "image");
    auto text = copy_array<float>(info[1], napi_float32_array, "text");
    const Reduction reduction = reduction_argument(object_argument(info, 2));
    const auto n = static_cast<int64_t>(image.size()) / parts_->embed_dim;
    if (n < 1 || image.size() != text.size() || static_cast<int64_t>(image.size()) != n * parts_->embed_dim)
      bad_argument("image, text: expected [n, " + std::to_string(parts_->embed_dim) + "] both, n at least 1");
    auto loss = std::make_shared<float>(0.0f);
    return queue(
        info,
        [=, image = std::move(image), text = std::move(text)](Session& s) {
          *loss = s.feature_loss(image.data(), text.data(), n, reduction);
        },
        [loss](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *loss); });
  });
}

Napi::Value SessionObject::forward_backward(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto batch = batch_argument(object_argument(info, 0), parts_->image_size);
    auto loss = std::make_shared<Session::Loss>();
    return queue(
        info, [loss, batch = std::move(batch)](Session& s) { *loss = s.forward_backward(batch.view()); },
        [loss](Napi::Env env) -> Napi::Value {
          auto o = Napi::Object::New(env);
          put(o, *loss);
          return o;
        });
  });
}

Napi::Value SessionObject::zero_grad(const Napi::CallbackInfo& info) {
  return queue(info, [](Session& s) { s.zero_grad(); }, undefined);
}

Napi::Value SessionObject::create_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto spec = optimizer_argument(object_argument(info, 0));
    auto handle = std::make_shared<int>(0);
    return queue(
        info, [handle, spec = std::move(spec)](Session& s) { *handle = s.create_optimizer(spec); },
        [handle](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *handle); });
  });
}

Napi::Value SessionObject::optimizer_step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    const Optimizer::Step options = step_argument(object_argument(info, 1));
    auto result = std::make_shared<Optimizer::Result>();
    return queue(
        info, [=](Session& s) { *result = s.optimizer_step(handle, options); },
        [result](Napi::Env env) -> Napi::Value {
          auto o = Napi::Object::New(env);
          put(o, *result);
          return o;
        });
  });
}

Napi::Value SessionObject::step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto batch = batch_argument(object_argument(info, 0), parts_->image_size);
    const int handle = static_cast<int>(integer_argument(info, 1));
    const Optimizer::Step options = step_argument(object_argument(info, 2));
    auto result = std::make_shared<Session::Step>();
    return queue(
        info,
        [=, batch = std::move(batch)](Session& s) -> Environment::Rest {
          return [result, results = s.queue_step(batch.view(), handle, options)] { *result = results(); };
        },
        [result](Napi::Env env) -> Napi::Value {
          auto o = Napi::Object::New(env);
          put(o, result->loss);
          put(o, result->optimizer);
          return o;
        });
  });
}

Napi::Value SessionObject::optimizer_steps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    auto steps = std::make_shared<int64_t>(0);
    return queue(
        info, [=](Session& s) { *steps = s.optimizer(handle).steps(); },
        [steps](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, static_cast<double>(*steps)); });
  });
}

Napi::Value SessionObject::set_optimizer_steps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    const int64_t steps = integer_argument(info, 1);
    if (steps < 0) bad_argument("steps: expected at least 0");
    return queue(info, [=](Session& s) { s.optimizer(handle).set_steps(steps); }, undefined);
  });
}

Napi::Value SessionObject::loss_scale(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto scaling = std::make_shared<std::optional<Session::LossScaling>>();
    return queue(
        info, [=](Session& s) { *scaling = s.loss_scaling(); },
        [scaling](Napi::Env env) -> Napi::Value {
          if (!*scaling) return env.Undefined();
          auto o = Napi::Object::New(env);
          o.Set("value", (*scaling)->value);
          o.Set("goodSteps", (*scaling)->good_steps);
          return o;
        });
  });
}

Napi::Value SessionObject::set_loss_scale(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const Session::LossScaling scaling{.value = static_cast<float>(number_at(o, "value")),
                                       .good_steps = static_cast<float>(integer_at(o, "goodSteps"))};
    return queue(info, [scaling](Session& s) { s.set_loss_scaling(scaling); }, undefined);
  });
}

Napi::Value SessionObject::plan(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const int64_t batch = integer_at(o, "batch"), tokens = integer_at(o, "tokens"), micro = integer_at(o, "microBatch");
    const bool checkpointing = boolean_at(o, "checkpointing");
    auto plan = std::make_shared<Session::Plan>();
    return queue(
        info, [=](Session& s) { *plan = s.plan(batch, tokens, micro, checkpointing); },
        [plan](Napi::Env env) -> Napi::Value {
          auto result = Napi::Object::New(env);
          result.Set("parameters", static_cast<double>(plan->parameters));
          result.Set("optimizer", static_cast<double>(plan->optimizer));
          result.Set("step", static_cast<double>(plan->step));
          result.Set("total", static_cast<double>(plan->total()));
          return result;
        });
  });
}

Napi::Value SessionObject::dispose(const Napi::CallbackInfo& info) {
  Environment& environment = Environment::of(info.Env());
  if (parts_->worker->stopping()) {  // again: nothing is left to do
    auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Resolve(info.Env().Undefined());
    return deferred.Promise();
  }
  const Napi::Promise done = environment.run(
      info.Env(), parts_->worker, [parts = parts_] { end(*parts); }, undefined, Environment::When::closing);
  environment.retire(parts_->worker);
  return done;
}

}  // namespace cw
