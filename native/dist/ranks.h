// Which of the processes that train one model together this is, and what part of everything is its own.
#pragma once
#include <cstdint>

namespace cw {

/// Rows, elements or samples first .. first+count of a whole.
struct RankShare {
  int64_t first = 0, count = 0;
};

struct Ranks {
  int64_t rank = 0, size = 1;

  /// Equal parts in the order of ranks; the first ones have one more where it does not come out even.
  RankShare share_of(int64_t whole, int64_t r) const {
    const int64_t least = whole / size, more = whole % size;
    return {least * r + (r < more ? r : more), least + (r < more ? 1 : 0)};
  }
  RankShare share(int64_t whole) const { return share_of(whole, rank); }
  bool alone() const { return size == 1; }
};

}  // namespace cw
