#include "engine/loss_scaling.h"

#include <cstddef>
#include <string>

#include "core/error.h"
#include "ops/loss_scale.h"

namespace cw {

static_assert(sizeof(LossScaling) == static_cast<size_t>(LossScale::count) * sizeof(float));
static_assert(offsetof(LossScaling, good_steps) == static_cast<size_t>(LossScale::good_steps) * sizeof(float));

LossScaler::LossScaler(Backend& backend, DType precision) : backend_(backend) {
  if (precision != DType::f16) return;
  memory_ = backend_.allocate(sizeof(LossScaling));
  write({});
}

Tensor LossScaler::tensor() const {
  if (!memory_) return {};
  return Tensor::of(memory_->data(), DType::f32, 1, static_cast<int64_t>(LossScale::count));
}

std::optional<LossScaling> LossScaler::read() const {
  if (!memory_) return {};
  LossScaling scaling;
  backend_.download(&scaling, tensor());
  return scaling;
}

void LossScaler::write(LossScaling scaling) {
  const auto expect = [](bool ok, const std::string& what) {
    if (!ok) throw Error(Code::invalid_argument, "[loss scale] " + what);
  };
  expect(memory_ != nullptr, "only precision fp16 has one");
  expect(scaling.value >= kMinLossScale && scaling.value <= kMaxLossScale,
         "expected a value from 1 to 2^24, got " + std::to_string(scaling.value));
  expect(scaling.good_steps >= 0, "expected good steps of at least 0, got " + std::to_string(scaling.good_steps));
  backend_.upload(tensor(), &scaling);
}

}  // namespace cw
