// Processes that train one model together ("ranks"), and what they can tell each other: bytes, and no arithmetic, so that
// every sum is taken here in the order of ranks and comes out with the same bits everywhere and every time.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
  /// Words of all ranks that are best told at a time: as many as a message is worth, no more than should be taken beside them.
  int64_t piece() const { return piece_; }
  /// Why the job ended, if it did: which rank, and its reason. For those who wait for ranks by other ways than these calls.
  virtual std::string ended() const { return {}; }
  /// Called again and again while calls here wait for other ranks; throws when these may be waiting for something else that
  /// will not come, as where their cards wait for this rank's.
  void set_watch(std::function<void()> watch) { watch_ = std::move(watch); }

  struct Block {
    const void* data = nullptr;
    int64_t words = 0;
  };
  /// all: the block of each rank, one after another; words[r] is the length of rank r's. `mine` may lie where it will be in it.
  void all_gather(const void* mine, std::span<const int64_t> words, void* all) {
    count(words[static_cast<size_t>(ranks_.rank)] * (ranks_.size - 1));
    run_all_gather(mine, words, all);
  }
  /// mine[r] goes to rank r; theirs: what each rank has for this one, one after another, `words` each.
  void exchange(std::span<const Block> mine, void* theirs, int64_t words) {
    count(mine);
    run_exchange(mine, theirs, words);
  }
  /// What each rank has for this one, in the order of ranks.
  using Use = std::function<void(std::span<const float* const> theirs)>;
  /// exchange() without a copy where there is a way: what is theirs is there while `use` runs, which may write to this rank's
  /// own block, and is not called for no words.
  void show(std::span<const Block> mine, int64_t words, const Use& use) {
    count(mine);
    run_show(mine, words, use);
  }
  /// Rank 0's values to all.
  void broadcast(void* values, int64_t words) {
    if (ranks_.rank == 0) count(words * (ranks_.size - 1));
    run_broadcast(values, words);
  }

 protected:
  /// By way of run_exchange().
  virtual void run_show(std::span<const Block> mine, int64_t words, const Use& use);

  explicit Group(Ranks ranks, int64_t piece = int64_t{4} << 20) : ranks_(ranks), piece_(piece) {}
  void watch() const {
    if (watch_) watch_();
  }

 private:
  virtual void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) = 0;
  virtual void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) = 0;
  virtual void run_broadcast(void* values, int64_t words) = 0;

  /// Threads share the group of one process, which sends nothing: it must not be written to.
  void count(int64_t words) {
    if (words > 0) sent_ += words;
  }

  void count(std::span<const Block> mine) {
    for (size_t r = 0; r < mine.size(); ++r)
      if (static_cast<int64_t>(r) != ranks_.rank) count(mine[r].words);
  }

  const Ranks ranks_;
  const int64_t piece_;
  int64_t sent_ = 0;
  std::function<void()> watch_;
  std::vector<float> received_;
};

/// One process that is all there is.
std::shared_ptr<Group> solo_group();

}  // namespace cw
