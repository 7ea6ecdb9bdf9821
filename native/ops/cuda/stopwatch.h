// How long the card works: a pair of events around each list, read once it is done. Time in which it waits for the host
// lies between the pairs and is not counted.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "ops/cuda/runtime.h"

namespace cw {

class Stopwatch {
 public:
  struct Lap {
    OwnedEvent begin, end;
  };
  using Laps = std::vector<std::shared_ptr<const Lap>>;

  void begin(cudaStream_t stream);
  void end(cudaStream_t stream);
  /// Those that ended since the last call; their events are used again once nobody holds them.
  Laps take() { return std::exchange(ended_, {}); }
  /// Of laps that the card has done.
  static double milliseconds(const Laps& laps);
  /// On a lost device: leaves the events to the process.
  void abandon();

 private:
  std::vector<std::shared_ptr<Lap>> all_;
  std::shared_ptr<Lap> running_;
  Laps ended_;
};

}  // namespace cw
