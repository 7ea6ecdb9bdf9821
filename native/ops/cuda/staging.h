// Uploads on their way: host memory is copied into pinned memory at once and from there to the device on a stream of its
// own, while the main stream still works on the list before. Two halves take turns; events keep the streams in order.
// Large ones go in pieces: while the first are transferred, a few threads copy the next.
#pragma once
#include <cstddef>
#include <optional>

#include "ops/cuda/copy_team.h"
#include "ops/cuda/runtime.h"
#include "ops/cuda/stopwatch.h"
#include "ops/cuda/waiter.h"

namespace cw {

class Staging {
 public:
  /// `waiter` is kept.
  Staging(int device, const Waiter& waiter);

  /// Largest piece that put() takes: larger tensors come in pieces.
  static constexpr size_t kLargest = size_t{1} << 30;
  /// Whether that many bytes still fit in this half; else the list must be sent first.
  bool fits(size_t bytes) const { return used_ + padded(bytes) <= capacity_; }
  /// Only after turn(): makes both halves large enough, also for all that the last lists wanted together.
  void reserve(size_t bytes);
  /// Where the copy will be on the device; the main stream may read it after before_reading().
  void* put(const void* from, size_t bytes);
  bool in_use() const { return used_ > 0; }

  /// Before and after the main stream reads what was put: makes it wait, and gives the half back.
  void before_reading(cudaStream_t main);
  void turn(cudaStream_t main);
  /// How long the main stream was at it, for each turn since the last call.
  Stopwatch::Laps take_laps() { return stopwatch_.take(); }

  cudaStream_t stream() const { return stream_.get(); }
  void abandon();

 private:
  static size_t padded(size_t bytes) { return (bytes + 255) / 256 * 256; }

  struct Half {
    PinnedMemory host;
    DeviceMemory device;
    OwnedEvent arrived;  // on the device
    OwnedEvent read;     // by the main stream
  };

  int device_;
  const Waiter& waiter_;
  std::optional<CopyTeam> team_;  // from the first large upload on
  OwnedStream stream_;
  Half halves_[2];
  Stopwatch stopwatch_;
  int current_ = 0;
  size_t capacity_ = 0, used_ = 0, wanted_ = 0;
};

}  // namespace cw
