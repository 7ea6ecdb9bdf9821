// Processes that train one model together ("ranks"), and what they can tell each other: bytes, and no arithmetic, so that
// every sum is taken here in the order of ranks and comes out with the same bits everywhere and every time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "dist/ranks.h"

namespace cw {

/// Lengths count words of four bytes. Every rank makes the same calls in the same order, each group on one thread at a time;
/// a call returns when this rank's part of it is done. Throws Error(Code::rank) when another rank has ended, naming it.
class Group {
 public:
  virtual ~Group() = default;
  Ranks ranks() const { return ranks_; }

  struct Block {
    const void* data = nullptr;
    int64_t words = 0;
  };
  /// all: the block of each rank, one after another; words[r] is the length of rank r's.
  virtual void all_gather(const void* mine, std::span<const int64_t> words, void* all) = 0;
  /// mine[r] goes to rank r; theirs: what each rank has for this one, one after another, `words` each.
  virtual void exchange(std::span<const Block> mine, void* theirs, int64_t words) = 0;
  /// Rank 0's values to all.
  virtual void broadcast(void* values, int64_t words) = 0;

 protected:
  explicit Group(Ranks ranks) : ranks_(ranks) {}

 private:
  const Ranks ranks_;
};

/// One process that is all there is.
std::shared_ptr<Group> solo_group();

}  // namespace cw
