// What the files of SessionObject share: its parts, and the one way to queue work on them and convert what comes of it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "addon/results.h"
#include "addon/session.h"
#include "engine/parameter_shapes.h"
#include "engine/session.h"

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

template <class Work>
Napi::Value SessionObject::queue(const Napi::CallbackInfo& info, Work work) {
  using Result = std::invoke_result_t<Work&, Session&>;
  if constexpr (std::is_void_v<Result>) {
    return queue(info, std::move(work), [](Napi::Env env) { return env.Undefined(); });
  } else {
    const auto result = std::make_shared<std::optional<Result>>();
    return queue(
        info, [result, work = std::move(work)](Session& s) mutable { *result = work(s); },
        [result](Napi::Env env) { return to_value(env, **result); });
  }
}

template <class Work, class Finish>
Napi::Value SessionObject::queue(const Napi::CallbackInfo& info, Work work, Finish finish) {
  auto job = [parts = parts_, work = std::move(work)]() mutable { work(parts->demand()); };
  return Environment::of(info.Env()).run(info.Env(), parts_->worker, std::move(job), std::move(finish));
}

template <class Work>
Napi::Value SessionObject::queue_late(const Napi::CallbackInfo& info, Work work, std::shared_ptr<Napi::ObjectReference> kept) {
  using Late = std::invoke_result_t<Work&, Session&>;
  const auto result = std::make_shared<std::optional<std::invoke_result_t<Late&>>>();
  auto job = [result, parts = parts_, work = std::move(work)]() mutable -> Environment::Rest {
    const auto late = std::make_shared<Late>(work(parts->demand()));
    return {.run = [result, late] { *result = (*late)(); }, .ready = [late] { return late->ready(); }};
  };
  return Environment::of(info.Env())
      .run_in_two(info.Env(), parts_->worker, std::move(job),
                  [result, kept = std::move(kept)](Napi::Env env) { return to_value(env, **result); });
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

}  // namespace cw
