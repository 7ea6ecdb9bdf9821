// Processes that train one model together ("ranks"), and what they can tell each other: bytes, and no arithmetic, so that
// every sum is taken here in the order of ranks and comes out with the same bits everywhere and every time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dist/ranks.h"

namespace cw {

/// Lengths count words of four bytes. Every rank makes the same calls in the same order, each group on one thread at a time;
/// a call returns when this rank's part of it is done. Throws Error(Code::rank) when another rank has ended, naming it.
class Group {
 public:
  virtual ~Group() = default;
  Ranks ranks() const { return ranks_; }
  /// Words that other ranks were given of this one's, so far: what must leave it, however a message travels.
  int64_t sent() const { return sent_; }
  /// Why the job ended, if it did: which rank, and its reason. For those who wait for ranks by other ways than these calls.
  virtual std::string ended() const { return {}; }

  struct Block {
    const void* data = nullptr;
    int64_t words = 0;
  };
  /// all: the block of each rank, one after another; words[r] is the length of rank r's.
  void all_gather(const void* mine, std::span<const int64_t> words, void* all) {
    count(words[static_cast<size_t>(ranks_.rank)] * (ranks_.size - 1));
    run_all_gather(mine, words, all);
  }
  /// mine[r] goes to rank r; theirs: what each rank has for this one, one after another, `words` each.
  void exchange(std::span<const Block> mine, void* theirs, int64_t words) {
    for (size_t r = 0; r < mine.size(); ++r)
      if (static_cast<int64_t>(r) != ranks_.rank) count(mine[r].words);
    run_exchange(mine, theirs, words);
  }
  /// Rank 0's values to all.
  void broadcast(void* values, int64_t words) {
    if (ranks_.rank == 0) count(words * (ranks_.size - 1));
    run_broadcast(values, words);
  }

 protected:
  explicit Group(Ranks ranks) : ranks_(ranks) {}

 private:
  virtual void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) = 0;
  virtual void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) = 0;
  virtual void run_broadcast(void* values, int64_t words) = 0;

  /// Threads share the group of one process, which sends nothing: it must not be written to.
  void count(int64_t words) {
    if (words > 0) sent_ += words;
  }

  const Ranks ranks_;
  int64_t sent_ = 0;
};

/// One process that is all there is.
std::shared_ptr<Group> solo_group();

}  // namespace cw
