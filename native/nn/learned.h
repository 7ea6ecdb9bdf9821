// Memory beside the parameters that learn: their gradients, moments, averages.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "nn/parameter.h"
#include "ops/backend.h"

namespace cw {

/// A float for each element of parameters that learn, or once did; frozen ones take nothing.
class Learned {
 public:
  explicit Learned(Backend& backend) : backend_(backend) {}

  /// Zeros for those that learn and have none yet, and for `also`, whether it learns or not. Parts of a joined weight lie
  /// as they do in it. Returns whose are new. Throws out_of_memory.
  std::vector<size_t> cover(const Parameters& parameters, std::optional<size_t> also = {});
  void clear();

  /// As the parameter's master; empty where it has none.
  Tensor of(const Parameters& parameters, size_t i) const;

  /// All of them as rows, one for each time that cover() took memory: gaps between parameters are zeros.
  std::vector<Tensor> rows() const;

  /// What cover() would take for these, from the beginning.
  static size_t bytes(const Parameters& parameters);

 private:
  Backend& backend_;
  std::vector<std::unique_ptr<Buffer>> blocks_;
  std::vector<float*> at_;  // by parameter
};

}  // namespace cw
