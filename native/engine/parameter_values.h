// The memory of a model's parameters: their values, gradients and copies in the compute type, as they begin, are read and
// are written. What optimizers keep of them is read and written alike.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/loss_scaling.h"
#include "nn/learned.h"
#include "optim/optimizer.h"

namespace cw {

/// Elements first .. first+count of a parameter (count < 0: to its end): other libraries split what is one here.
struct ElementSpan {
  int64_t first = 0, count = -1;
};
/// Those elements of a contiguous tensor as one row. Throws invalid_argument.
Tensor cut(const Tensor& t, ElementSpan span);

/// What there is of a parameter. m and v are an optimizer's moments, average its moving average of the values; merged is the
/// value with what an adapter adds to it.
enum class Slot : uint8_t { value, grad, m, v, average, merged };

/// Some elements of one slot of one parameter, f32 in the checkpoint's order.
struct ParameterSlot {
  size_t parameter = 0;
  Slot slot = Slot::value;
  std::optional<int> optimizer;  // whose moments or averages
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
  /// Of values, of which some are written where `from` has not got them all.
  void write(const ParameterSlot& to, const Backend::Source& from);
  /// Parameters came or went: no gradient waits any more.
  void forget_gradients();
  /// Whether anything changed.
  bool set_trainable(size_t parameter, bool trainable);

  /// Of values, and of the gradients that a backward needs.
  size_t bytes() const { return values_->bytes() + Learned::bytes(parameters_) + (compute_ ? compute_->bytes() : 0); }

  /// All gradients that there is memory for, as rows.
  std::vector<Tensor> gradients() const { return grads_.rows(); }

  /// Memory for the gradients of those that learn; to be called before a backward is planned. Throws out_of_memory.
  void take_gradients();
  /// For a plan, which reads nothing: where gradients would be, without memory for them; until take_gradients() or forget_plan().
  void imagine_gradients();
  void forget_plan();

  /// Whether the gradients hold something that further ones are added to.
  bool gradients_wait() const { return gradients_wait_; }
  void set_gradients_wait(bool wait) { gradients_wait_ = wait; }

 private:
  /// What follows from values that changed.
  void refresh(Parameter& p, ElementSpan changed = {});
  Tensor tensor_of(const ParameterSlot& slot, Optimizer* optimizer) const;

  Backend& backend_;
  Parameters& parameters_;
  const LossScaler& scaler_;
  std::unique_ptr<Buffer> values_, compute_;
  Learned grads_;
  bool grads_fit_ = false;  // to what learns now
  bool gradients_wait_ = false;
};

}  // namespace cw
