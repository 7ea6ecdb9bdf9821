// The rule of UpdateLossScale, once for all backends. Plain static functions: kernels of every backend include this.
#pragma once
#include "core/philox.h"  // CW_HOST_DEVICE
#include "ops/ops.h"

namespace cw {

constexpr float kMinLossScale = 1, kMaxLossScale = 16777216;  // 2^24: f32's last whole number without gaps

CW_HOST_DEVICE static inline void next_loss_scale(const float* control, float* loss_scale, float growth_interval) {
  float& value = loss_scale[static_cast<int>(LossScale::value)];
  float& good = loss_scale[static_cast<int>(LossScale::good_steps)];
  const float skip = control[static_cast<int>(Control::skip)];
  if (skip == 1) {
    value = value > 2 * kMinLossScale ? value / 2 : kMinLossScale;
    good = 0;
  } else if (skip == 0 && ++good >= growth_interval) {
    value = value < kMaxLossScale / 2 ? value * 2 : kMaxLossScale;
    good = 0;
  }
}

}  // namespace cw
