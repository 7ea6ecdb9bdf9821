// A session's gradients, optimizers and steps.
#include "addon/arguments.h"
#include "addon/batch.h"
#include "addon/optimizer.h"
#include "addon/session_parts.h"
#include "dist/neighbours.h"

namespace cw {

Napi::Value SessionObject::forward_backward(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto batch = batch_argument(object_argument(info, 0), parts_->image_size, parts_->embed_dim);
    return queue(info, [batch = std::move(batch)](Session& s) { return s.forward_backward(batch.view()); });
  });
}

Napi::Value SessionObject::zero_grad(const Napi::CallbackInfo& info) {
  return queue(info, [](Session& s) { s.zero_grad(); });
}

Napi::Value SessionObject::create_optimizer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto spec = optimizer_argument(object_argument(info, 0));
    return queue(info, [spec = std::move(spec)](Session& s) { return s.create_optimizer(spec); });
  });
}

Napi::Value SessionObject::optimizer_step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    const Optimizer::Step options = step_argument(object_argument(info, 1));
    return queue(info, [=](Session& s) { return s.optimizer_step(handle, options); });
  });
}

Napi::Value SessionObject::exchange_averages(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    return queue(info, [=](Session& s) { s.exchange_averages(handle); });
  });
}

Napi::Value SessionObject::step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    // A batch of pictures is large, and copying it would hold up the event loop: it is read where it lies.
    const Napi::Object o = object_argument(info, 0);
    auto batch = batch_argument(o, parts_->image_size, parts_->embed_dim, Pictures::in_place);
    const Napi::Object images = object_at(o, "images");
    const bool read_there = batch.images.features.empty();
    auto pictures = std::make_shared<Napi::ObjectReference>(Napi::Persistent(read_there ? object_at(images, "data") : images));
    const int handle = static_cast<int>(integer_argument(info, 1));
    const Optimizer::Step options = step_argument(object_argument(info, 2));
    return queue_late(
        info, [=, batch = std::move(batch)](Session& s) { return s.queue_step(batch.view(), handle, options); },
        std::move(pictures));
  });
}

Napi::Value SessionObject::optimizer_steps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    return queue(info, [=](Session& s) { return static_cast<double>(s.optimizer(handle).steps()); });
  });
}

Napi::Value SessionObject::set_optimizer_steps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int handle = static_cast<int>(integer_argument(info, 0));
    const int64_t steps = integer_argument(info, 1);
    if (steps < 0) bad_argument("steps: expected at least 0");
    return queue(info, [=](Session& s) { s.optimizer(handle).set_steps(steps); });
  });
}

Napi::Value SessionObject::loss_scale(const Napi::CallbackInfo& info) {
  return queue(info, [](Session& s) { return s.loss_scaling(); });
}

Napi::Value SessionObject::set_loss_scale(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const LossScaling scaling{.value = static_cast<float>(number_at(o, "value")),
                              .good_steps = static_cast<float>(integer_at(o, "goodSteps"))};
    return queue(info, [scaling](Session& s) { s.set_loss_scaling(scaling); });
  });
}

Napi::Value SessionObject::join_group(const Napi::CallbackInfo& info) {
  return queue(info, [worker = parts_->worker](Session& s) { s.join(session_group(&worker->stop_flag())); });
}

Napi::Value SessionObject::plan(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const Session::Shape shape{.batch = integer_at(o, "batch"),
                               .tokens = integer_at(o, "tokens"),
                               .micro_batch = integer_at(o, "microBatch"),
                               .checkpointing = boolean_at(o, "checkpointing"),
                               .teacher_dim = integer_at(o, "teacherDim")};
    const auto loss = loss_argument(object_at(o, "loss"));
    return queue(info, [=](Session& s) { return s.plan(shape, *loss); });
  });
}

Napi::Value SessionObject::profile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[0].IsBoolean()) bad_argument("profile: expected true or false");
    const bool on = info[0].As<Napi::Boolean>().Value();
    return queue(info, [on](Session& s) { s.profile(on); });
  });
}

Napi::Value SessionObject::op_times(const Napi::CallbackInfo& info) {
  return queue(info, [](Session& s) { return s.op_times(); });
}

Napi::Value SessionObject::traffic(const Napi::CallbackInfo& info) {
  return queue(info, [](Session& s) { return s.traffic(); });
}

}  // namespace cw
