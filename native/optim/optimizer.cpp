#include "optim/optimizer.h"

#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace cw {
namespace {

constexpr auto kControls = static_cast<size_t>(Control::count);
constexpr size_t at(Control c) { return static_cast<size_t>(c); }

Tensor control_of(const Buffer& memory) {
  return Tensor::of(memory.data(), DType::f32, 1, static_cast<int64_t>(kControls));
}

bool has_first(const OptimizerSpec& s) { return needs_first_moment(s.rule) || s.momentum != 0; }
bool has_second(const OptimizerSpec& s) { return has_second_moment(s.rule); }

}  // namespace

Optimizer::Optimizer(Backend& backend, const Parameters& parameters, OptimizerSpec spec)
    : backend_(backend), spec_(std::move(spec)), m_(backend), v_(backend), averages_(backend) {
  if (spec_.lr_scale.size() != parameters.size() || spec_.weight_decay.size() != parameters.size())
    throw Error(Code::invalid_argument, "[optimizer] expected one lr_scale and one weight_decay for each of the " +
                                            std::to_string(parameters.size()) + " parameters");
  take(parameters);
  control_ = backend_.allocate(kControls * sizeof(float));
  if (spec_.average == 0) return;
  // avg -= (1 - decay)·(avg - value) is a step of sgd: the value as the gradient times -1, and a weight decay of 1.
  average_control_ = backend_.allocate(kControls * sizeof(float));
  std::array<float, kControls> values{};
  values[at(Control::lr)] = 1 - spec_.average;
  values[at(Control::step)] = 1;
  values[at(Control::clip)] = -1;
  backend_.upload(control_of(*average_control_), values.data());
}

void Optimizer::take(const Parameters& parameters, std::optional<size_t> i) {
  if (has_first(spec_)) m_.cover(parameters, i);
  if (has_second(spec_)) v_.cover(parameters, i);
  if (spec_.average == 0) return;
  for (const size_t k : averages_.cover(parameters, i))
    backend_.cast({.x = parameters[k].weight.master, .y = averages_.of(parameters, k)});
}

void Optimizer::build(const Parameters& parameters) {
  take(parameters);
  segments_.clear();
  average_segments_.clear();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (!p.trainable) continue;
    const Weight& w = p.weight;
    segments_.push_back({.value = w.master.as<float>(),
                         .grad = p.grad.as<float>(),
                         .m = moment_1(parameters, i).as<float>(),
                         .v = moment_2(parameters, i).as<float>(),
                         .compute = w.compute.data == w.master.data ? nullptr : w.compute.data,
                         .count = p.count(),
                         .lr_scale = spec_.lr_scale[i],
                         .weight_decay = spec_.weight_decay[i]});
    if (const Tensor average = averages_.of(parameters, i))
      average_segments_.push_back(
          {.value = average.as<float>(), .grad = w.master.as<float>(), .count = p.count(), .weight_decay = 1});
  }
  ++segments_version_;
}

Tensor Optimizer::control() const { return control_of(*control_); }

void Optimizer::move_averages(Ops& ops) {
  if (average_segments_.empty()) return;
  const Tensor own = control_of(*average_control_);
  ops.cast({.x = control().col_range(at(Control::skip), 1), .y = own.col_range(at(Control::skip), 1)});
  ops.optimizer_step({.segments = {.items = average_segments_.data(),
                                   .count = static_cast<int64_t>(average_segments_.size()),
                                   .version = segments_version_},
                      .control = own,
                      .rule = Rule::sgd});
}

void Optimizer::exchange(const Context& c, Backend* backend, Parameters& parameters) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor average = averages_.of(parameters, i);
    if (!average) continue;
    const Frame frame(c.arena);
    const Weight& w = parameters[i].weight;
    const Tensor between = c.take_f32(average.rows, average.cols);
    c.ops.cast({.x = w.master, .y = between});
    c.ops.cast({.x = average, .y = w.master});
    c.ops.cast({.x = between, .y = average});
    if (w.compute.data != w.master.data) c.ops.cast({.x = w.master, .y = w.compute});
  }
  if (!backend) return;
  parameters.touch();
  exchanged_ = !exchanged_;
}

void Optimizer::queue(Ops& ops, Backend* backend, Parameters& parameters, const Parameter& logit_scale, Step step,
                      const Tensor& loss_scale, const Tensor& loss) {
  if (ended_)
    throw Error(Code::invalid_argument, "[optimizer] adapters came or went since it was made; make it anew for the parameters there are");
  if (exchanged_) throw Error(Code::invalid_argument, "[optimizer] a step was asked for while the averages are in the model");
  if (segments_.empty()) build(parameters);
  const Segments segments{.items = segments_.data(),
                          .count = static_cast<int64_t>(segments_.size()),
                          .version = segments_version_,
                          .compute_type = parameters[0].weight.compute.dtype};
  static_assert(at(Control::lr) == 0 && at(Control::max_norm) == 1 && at(Control::max_loss) == 2);
  const std::array<float, 3> from_host{step.lr, step.max_grad_norm, step.max_loss};
  if (backend) backend->upload(control().col_range(0, 3), from_host.data());
  ops.grad_norm({.segments = segments, .control = control(), .loss_scale = loss_scale, .loss = loss});
  if (loss_scale) ops.update_loss_scale({.control = control(), .loss_scale = loss_scale});
  ops.optimizer_step({.segments = segments,
                      .control = control(),
                      .rule = spec_.rule,
                      .beta1 = spec_.beta1,
                      .beta2 = spec_.beta2,
                      .eps = spec_.eps,
                      .momentum = spec_.momentum});
  if (logit_scale.trainable) ops.clamp({.x = logit_scale.weight.master, .low = 0, .high = std::log(100.0f)});
  move_averages(ops);
  if (backend) parameters.touch();
}

std::vector<Tensor> Optimizer::results(const Tensor& loss_scale) const {
  std::vector<Tensor> all{control()};
  if (loss_scale) all.push_back(loss_scale.col_range(static_cast<int>(LossScale::value), 1));
  return all;
}

Optimizer::Result Optimizer::result(std::span<const float> values) {
  return {.grad_norm = values[at(Control::norm)],
          .skipped = values[at(Control::skip)] != 0,
          .loss_scale = values.size() > kControls ? values[kControls] : 0};
}

int64_t Optimizer::steps() {
  float steps = 0;
  backend_.download(&steps, control().col_range(at(Control::step), 1));
  return static_cast<int64_t>(steps);
}

void Optimizer::set_steps(int64_t steps) {
  const auto value = static_cast<float>(steps);
  backend_.upload(control().col_range(at(Control::step), 1), &value);
}

}  // namespace cw
