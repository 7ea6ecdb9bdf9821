// The memory of a model's parameters: their values, gradients and copies in the compute type, as they begin, are read and
// are written. What optimizers keep of them is read and written alike.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "engine/loss_scaling.h"
#include "optim/optimizer.h"

namespace cw {

/// Elements first .. first+count of a parameter (count < 0: to its end): other libraries split what is one here.
struct ElementSpan {
  int64_t first = 0, count = -1;
};

/// What there is of a parameter. m and v are an optimizer's moments.
enum class Slot : uint8_t { value, grad, m, v };

/// Some elements of one slot of one parameter, f32 in the checkpoint's order.
struct ParameterSlot {
  size_t parameter = 0;
  Slot slot = Slot::value;
  std::optional<int> optimizer;  // whose moments; of m and v alone
  ElementSpan span;
};

class ParameterValues {
 public:
  /// Zeros. `scaler`: what gradients were multiplied by, so that those that are read are the loss's own.
  ParameterValues(Backend& backend, Parameters& parameters, DType type, const LossScaler& scaler);

  /// The distributions that the layers name, drawn by (seed, parameter, element).
  void initialize(uint64_t seed);
  /// `optimizer`: the one that the slot names, for its moments; null in other slots. Throws invalid_argument.
  void read(const ParameterSlot& from, Optimizer* optimizer, float* to) const;
  void write(const ParameterSlot& to, Optimizer* optimizer, const float* from);
  /// Whether anything changed.
  bool set_trainable(size_t parameter, bool trainable);

  size_t bytes() const { return values_->bytes() + grads_->bytes() + (compute_ ? compute_->bytes() : 0); }

  /// Whether the gradients hold something that further ones are added to.
  bool gradients_wait() const { return gradients_wait_; }
  void set_gradients_wait(bool wait) { gradients_wait_ = wait; }

 private:
  void refresh(Parameter& p);
  Tensor tensor_of(const ParameterSlot& slot, Optimizer* optimizer) const;

  Backend& backend_;
  Parameters& parameters_;
  const LossScaler& scaler_;
  std::unique_ptr<Buffer> values_, grads_, compute_;
  bool gradients_wait_ = false;
};

}  // namespace cw
