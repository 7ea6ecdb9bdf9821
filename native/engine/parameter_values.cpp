#include "engine/parameter_values.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "core/error.h"
#include "engine/initial_values.h"

namespace cw {

Tensor cut(const Tensor& t, ElementSpan span) {
  if (!t || (span.first == 0 && (span.count < 0 || span.count == t.count()))) return t;
  const int64_t count = span.count < 0 ? t.count() - span.first : span.count;
  if (span.first < 0 || count < 0 || span.first > t.count() - count)
    throw Error(Code::invalid_argument, "[parameter] elements " + std::to_string(span.first) + " .. " +
                                            std::to_string(span.first + count) + " of " + std::to_string(t.count()));
  return Tensor::of(static_cast<std::byte*>(t.data) + span.first * static_cast<int64_t>(size_of(t.dtype)), t.dtype, 1, count);
}

namespace {

Optimizer& moments_of(Optimizer* optimizer) {
  if (!optimizer) throw Error(Code::invalid_argument, "[parameter] m, v and averages are an optimizer's: say whose");
  return *optimizer;
}

}  // namespace

ParameterValues::ParameterValues(Backend& backend, Parameters& parameters, DType type, const LossScaler& scaler)
    : backend_(backend), parameters_(parameters), scaler_(scaler), grads_(backend) {
  const auto elements = static_cast<size_t>(parameters_.elements());
  values_ = backend_.allocate(elements * sizeof(float));
  if (type != DType::f32) compute_ = backend_.allocate(elements * size_of(type));
  parameters_.bind(static_cast<float*>(values_->data()), compute_ ? compute_->data() : nullptr, type);
}

void ParameterValues::take_gradients() {
  if (grads_fit_) return;
  if (!gradients_wait_) grads_.clear();
  grads_.cover(parameters_);
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_.set_grad(i, grads_.of(parameters_, i));
  grads_fit_ = true;
}

void ParameterValues::imagine_gradients() {
  if (grads_fit_) return;
  // Shapes and types are the values' own, and so is how joined parts lie.
  for (size_t i = 0; i < parameters_.size(); ++i)
    parameters_.set_grad(i, parameters_[i].trainable ? parameters_[i].weight.master : Tensor{});
}

void ParameterValues::forget_plan() {
  if (grads_fit_) return;
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_.set_grad(i, grads_.of(parameters_, i));
}

void ParameterValues::initialize(uint64_t seed) {
  uint64_t stream = 0;
  for (Parameter& p : parameters_) {
    cw::initialize(backend_, p, p.weight.master, seed, stream++);
    refresh(p);
  }
}

void ParameterValues::refresh(Parameter& p, ElementSpan changed) {
  const Weight& w = p.weight;
  if (w.compute.data != w.master.data) backend_.cast({.x = cut(w.master, changed), .y = cut(w.compute, changed)});
  Parameters::touch(p);
}

Tensor ParameterValues::tensor_of(const ParameterSlot& at, Optimizer* optimizer) const {
  if (at.parameter >= parameters_.size())
    throw Error(Code::invalid_argument, "[parameter] there is none with index " + std::to_string(at.parameter));
  const Parameter& p = parameters_[at.parameter];
  switch (at.slot) {
    case Slot::value: return p.weight.master;
    case Slot::grad: return p.grad;
    case Slot::merged: return p.weight.master;
    case Slot::average: return moments_of(optimizer).average(parameters_, at.parameter);
    case Slot::m: return moments_of(optimizer).moment_1(parameters_, at.parameter);
    case Slot::v: return moments_of(optimizer).moment_2(parameters_, at.parameter);
  }
  return {};
}

void ParameterValues::read(const ParameterSlot& from, Optimizer* optimizer, float* to) const {
  const Tensor t = cut(tensor_of(from, optimizer), from.span);
  const Parameter& p = parameters_[from.parameter];
  const int64_t count = cut(p.weight.master, from.span).count();
  const bool no_gradient = from.slot == Slot::grad && (!gradients_wait_ || !p.trainable);
  if (!t || no_gradient)
    std::fill_n(to, count, 0.0f);
  else
    backend_.download(to, t);
  if (from.slot != Slot::grad || no_gradient || !scaler_.tensor()) return;
  const float unscale = 1 / scaler_.read()->value;
  for (float* x = to; x != to + count; ++x) *x *= unscale;
}

void ParameterValues::write(const ParameterSlot& to, Optimizer* optimizer, const float* from) {
  if (optimizer) optimizer->take(parameters_, to.parameter);
  const Tensor t = cut(tensor_of(to, optimizer), to.span);
  if (!t) throw Error(Code::invalid_argument, "[parameter] this optimizer keeps no such moment");
  if (to.slot == Slot::merged) throw Error(Code::invalid_argument, "[parameter] a merged value is not written");
  if (to.slot == Slot::grad) throw Error(Code::invalid_argument, "[parameter] gradients are not written from outside");
  backend_.upload(t, from);
  if (to.slot == Slot::value) refresh(parameters_[to.parameter], to.span);
}

void ParameterValues::write(const ParameterSlot& to, const Backend::Source& from) {
  if (to.slot != Slot::value) throw Error(Code::invalid_argument, "[parameter] values alone are written from a file");
  backend_.upload_from(cut(tensor_of(to, nullptr), to.span), from);
  refresh(parameters_[to.parameter], to.span);
}

void ParameterValues::forget_gradients() {
  gradients_wait_ = grads_fit_ = false;
}

bool ParameterValues::set_trainable(size_t parameter, bool trainable) {
  Parameter& p = parameters_[parameter];
  if (p.trainable == trainable) return false;
  if (trainable && p.adapted())
    throw Error(Code::invalid_argument, "[parameter] " + p.name + " has an adapter that learns in its place; merge it first");
  parameters_.set_trainable(parameter, trainable);
  grads_fit_ = false;
  if (trainable && gradients_wait_ && p.grad) backend_.fill({.y = p.grad, .value = 0});  // what others add up to, it begins now
  return true;
}

}  // namespace cw
