// What f16 multiplies its loss by, so that small gradients are not lost. It lives on the device, where steps alone move it
// (UpdateLossScale): the next one depends on it, and would wait for the host.
#pragma once
#include <memory>
#include <optional>

#include "ops/backend.h"

namespace cw {

/// The factor, and how many steps in a row were finite with it. It begins as torch.amp.GradScaler's does.
struct LossScaling {
  float value = 65536, good_steps = 0;
};

class LossScaler {
 public:
  /// Of a precision that needs none: empty.
  LossScaler(Backend& backend, DType precision);

  /// f32 [1, LossScale::count] on the device; empty where there is none.
  Tensor tensor() const;
  std::optional<LossScaling> read() const;
  /// Throws invalid_argument in other precisions, and for a value below 1 or above 2^24.
  void write(LossScaling scaling);

 private:
  Backend& backend_;
  std::unique_ptr<Buffer> memory_;
};

}  // namespace cw
