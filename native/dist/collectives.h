// What ranks do together with values in host memory. Sums go over the ranks in their order, so that all ranks have the same
// bits, and have them again in the next run with as many ranks.
#pragma once
#include <cstddef>
#include <vector>

#include "dist/group.h"
#include "dist/traffic.h"

namespace cw {

/// Goes through large values in the group's pieces, so that what it takes beside them stays under two of them.
class Collectives {
 public:
  explicit Collectives(Group& group) : group_(&group) {}

  /// y [N, row_bytes] of x, this rank's share of N rows. Throws unsupported when rows are not whole words.
  void all_gather(const void* x, void* y, int64_t rows, size_t row_bytes);
  /// y: this rank's share of the N rows of Σ x over ranks; x [N,C].
  void reduce_scatter(const float* x, float* y, int64_t rows, int64_t cols);
  /// x = Σ x over ranks.
  void all_reduce(float* x, int64_t count);
  /// x = log Σ exp x over ranks; -infinity where all are.
  void merge_lse(float* x, int64_t count);
  /// Rank 0's values to all.
  void broadcast(float* x, int64_t count);

  /// What was sent so far.
  const TrafficByKind& traffic() const { return traffic_; }

 private:
  /// Words of all ranks up to which each rank is sent everything and combines it itself: one message's latency, not two.
  static constexpr int64_t kDirect = 4096;

  class Counting;
  /// x = combine(x of all ranks): each rank combines its share of the elements, and all are gathered.
  template <class Combine>
  void combine_all(float* x, int64_t count, Combine&& combine);

  Group* group_;
  std::vector<float> theirs_;
  TrafficByKind traffic_{};
};

}  // namespace cw
