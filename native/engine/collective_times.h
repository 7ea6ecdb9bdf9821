// How long the ops between ranks take by themselves, by size: what a group can do.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dist/group.h"
#include "dist/traffic.h"

namespace cw {

struct CollectiveTime {
  Collective op = Collective::all_reduce;  // all_reduce, all_gather or reduce_scatter
  int64_t bytes = 0;                       // of the whole: what is reduced, gathered or scattered
  int64_t sent = 0;                        // what of this rank's must reach others in a call
  int64_t calls = 0;                       // one after another, in each of several rounds
  double best = 0, median = 0;             // seconds of a call, a round's mean on the slowest rank
};

struct CollectiveTimes {
  std::string way;  // Backend::way_between_ranks()
  std::vector<CollectiveTime> times;
};

/// Sizes grow fourfold from a word to most_bytes. seconds: about how long each is measured. All ranks call this with the same
/// arguments and have the same result. Throws out_of_memory, rank.
CollectiveTimes collective_times(const std::shared_ptr<Group>& group, const std::string& device, int threads, int64_t most_bytes,
                                 double seconds);

}  // namespace cw
