// Small results on their way to the host. Each has pinned memory and an event of its own, so that the next list can be queued
// before they are read; places are used again once nobody holds them.
#pragma once
#include <memory>
#include <vector>

#include "core/tensor.h"
#include "ops/cuda/runtime.h"

namespace cw {

class Arrivals {
 public:
  struct Place {
    PinnedMemory host;  // f32 [room]
    OwnedEvent arrived;
    size_t room = 0, count = 0;  // values that go into it, and those in it
  };
  /// Queues copies of f32 rows, one behind the other, and the event after them.
  std::shared_ptr<const Place> begin(const std::vector<Tensor>& from, cudaStream_t stream);
  /// On a lost device: leaves memory and events to the process.
  void abandon();

 private:
  std::vector<std::shared_ptr<Place>> places_;
};

}  // namespace cw
