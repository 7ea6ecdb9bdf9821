// NativeSession of lib/native/session.ts: every method copies its arguments (step all but its pictures), queues a job, and
// returns a promise.
#pragma once
#include <napi.h>

#include <memory>

#include "addon/environment.h"

namespace cw {

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// createSession(options): builds the session on its own thread, then the object around it.
  static Napi::Value create(const Napi::CallbackInfo& info);

  explicit SessionObject(const Napi::CallbackInfo& info);
  ~SessionObject() override;

 private:
  struct Parts;

  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value threads(const Napi::CallbackInfo& info);
  Napi::Value fast_precision(const Napi::CallbackInfo& info);
  Napi::Value concurrent(const Napi::CallbackInfo& info);
  // session_parameters.cpp
  Napi::Value parameters(const Napi::CallbackInfo& info);
  Napi::Value initialize(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value write_stored(const Napi::CallbackInfo& info);
  Napi::Value set_trainable(const Napi::CallbackInfo& info);
  Napi::Value set_rounded(const Napi::CallbackInfo& info);
  Napi::Value add_adapters(const Napi::CallbackInfo& info);
  Napi::Value merge_adapters(const Napi::CallbackInfo& info);
  // session_encoding.cpp
  Napi::Value encode_images(const Napi::CallbackInfo& info);
  Napi::Value encode_texts(const Napi::CallbackInfo& info);
  Napi::Value feature_loss(const Napi::CallbackInfo& info);
  // session_training.cpp
  Napi::Value forward_backward(const Napi::CallbackInfo& info);
  Napi::Value zero_grad(const Napi::CallbackInfo& info);
  Napi::Value create_optimizer(const Napi::CallbackInfo& info);
  Napi::Value optimizer_step(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value exchange_averages(const Napi::CallbackInfo& info);
  Napi::Value optimizer_steps(const Napi::CallbackInfo& info);
  Napi::Value set_optimizer_steps(const Napi::CallbackInfo& info);
  Napi::Value loss_scale(const Napi::CallbackInfo& info);
  Napi::Value set_loss_scale(const Napi::CallbackInfo& info);
  Napi::Value join_group(const Napi::CallbackInfo& info);
  Napi::Value plan(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value op_times(const Napi::CallbackInfo& info);
  Napi::Value traffic(const Napi::CallbackInfo& info);

  static void end(Parts& parts);
  // Templates: session_parts.h.
  /// Queues work on the session. What it returns becomes the promise's value (to_value of results.h).
  template <class Work>
  Napi::Value queue(const Napi::CallbackInfo& info, Work work);
  /// The same for work that returns nothing; finish makes the promise's value.
  template <class Work, class Finish>
  Napi::Value queue(const Napi::CallbackInfo& info, Work work, Finish finish);
  /// The same for work that returns what waits for the value (Session::Results). `kept` lives until the promise is settled.
  template <class Work>
  Napi::Value queue_late(const Napi::CallbackInfo& info, Work work, std::shared_ptr<Napi::ObjectReference> kept);
  /// The same for work that fills `count` floats, which become a Float32Array.
  template <class Work>
  Napi::Value queue_floats(const Napi::CallbackInfo& info, size_t count, Work work);

  std::shared_ptr<Parts> parts_;
};

}  // namespace cw
