#include "optim/optimizer.h"

#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace cw {
namespace {

constexpr auto kControls = static_cast<size_t>(Control::count);
constexpr size_t at(Control c) { return static_cast<size_t>(c); }

bool has_first(const OptimizerSpec& s) { return needs_first_moment(s.rule) || s.momentum != 0; }
bool has_second(const OptimizerSpec& s) { return has_second_moment(s.rule); }
size_t block_bytes(const Parameters& p) { return static_cast<size_t>(p.elements()) * sizeof(float); }

}  // namespace

size_t Optimizer::bytes(const Parameters& parameters, const OptimizerSpec& spec) {
  return block_bytes(parameters) * (static_cast<size_t>(has_first(spec)) + static_cast<size_t>(has_second(spec)));
}

Optimizer::Optimizer(Backend& backend, const Parameters& parameters, OptimizerSpec spec)
    : backend_(backend), spec_(std::move(spec)) {
  if (spec_.lr_scale.size() != parameters.size() || spec_.weight_decay.size() != parameters.size())
    throw Error(Code::invalid_argument, "[optimizer] expected one lr_scale and one weight_decay for each of the " +
                                            std::to_string(parameters.size()) + " parameters");
  if (has_first(spec_)) m_ = backend_.allocate(block_bytes(parameters));
  if (has_second(spec_)) v_ = backend_.allocate(block_bytes(parameters));
  control_ = backend_.allocate(kControls * sizeof(float));
}

Tensor Optimizer::moment(const std::unique_ptr<Buffer>& block, const Parameter& p) {
  if (!block) return {};
  return Tensor::of(static_cast<float*>(block->data()) + p.offset, DType::f32, p.weight.master.rows,
                    p.weight.master.cols);
}

void Optimizer::build(const Parameters& parameters) {
  segments_.clear();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (!p.trainable) continue;
    const Weight& w = p.weight;
    segments_.push_back({.value = w.master.as<float>(),
                         .grad = p.grad.as<float>(),
                         .m = moment_1(p).as<float>(),
                         .v = moment_2(p).as<float>(),
                         .compute = w.compute.data == w.master.data ? nullptr : w.compute.data,
                         .count = p.count(),
                         .lr_scale = spec_.lr_scale[i],
                         .weight_decay = spec_.weight_decay[i]});
  }
  ++segments_version_;
}

Tensor Optimizer::control() const {
  return Tensor::of(control_->data(), DType::f32, 1, static_cast<int64_t>(kControls));
}

void Optimizer::queue(Ops& ops, Backend* backend, Parameters& parameters, const Parameter& logit_scale, Step step,
                      const Tensor& loss_scale) {
  if (segments_.empty()) build(parameters);
  const Segments segments{.items = segments_.data(),
                          .count = static_cast<int64_t>(segments_.size()),
                          .version = segments_version_,
                          .compute_type = parameters[0].weight.compute.dtype};
  static_assert(at(Control::lr) == 0 && at(Control::max_norm) == 1);
  const std::array<float, 2> from_host{step.lr, step.max_grad_norm};
  if (backend) backend->upload(control().col_range(0, 2), from_host.data());
  ops.grad_norm({.segments = segments, .control = control(), .loss_scale = loss_scale});
  if (loss_scale) ops.update_loss_scale({.control = control(), .loss_scale = loss_scale});
  ops.optimizer_step({.segments = segments,
                      .control = control(),
                      .rule = spec_.rule,
                      .beta1 = spec_.beta1,
                      .beta2 = spec_.beta2,
                      .eps = spec_.eps,
                      .momentum = spec_.momentum});
  if (logit_scale.trainable) ops.clamp({.x = logit_scale.weight.master, .low = 0, .high = std::log(100.0f)});
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
