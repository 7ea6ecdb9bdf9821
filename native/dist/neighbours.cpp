#include "dist/neighbours.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "dist/shared_memory.h"
#include "dist/waiting.h"
#include "dist/world.h"

namespace cw {
namespace {

/// Words that a rank shows at a time: what it writes, others' and what is made of both lie in a processor's own cache together.
constexpr int64_t kShown = int64_t{1} << 17;
/// Looks before a rank lets others have its processor.
constexpr int kBusyLooks = 100;

/// Rounds of one rank. A slot is written again when all have taken what was in it two rounds ago.
struct alignas(128) Progress {
  std::atomic<int64_t> shown, taken;
};
static_assert(std::atomic<int64_t>::is_always_lock_free);

/// Of what a rank shows, the part for each other rank.
constexpr int64_t width_for(int64_t size) { return (kShown + size - 1) / size; }
constexpr int64_t slot_words(int64_t size) { return width_for(size) * size; }

/// The memory: its number, the ranks' progress, and two slots for each.
constexpr size_t kHead = 4096;
constexpr size_t slots_at(int64_t size) { return kHead + (static_cast<size_t>(size) * sizeof(Progress) + 4095) / 4096 * 4096; }
constexpr size_t bytes_of(int64_t size) { return slots_at(size) + static_cast<size_t>(size * 2 * slot_words(size)) * 4; }

class Neighbours final : public Group {
 public:
  Neighbours(const std::shared_ptr<Group>& group, std::unique_ptr<SharedMemory> memory, const std::atomic<bool>* stop)
      : Group(group->ranks(), kShown), group_(group), memory_(std::move(memory)), stop_(stop) {}

  std::string ended() const override { return group_->ended(); }

  void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) override {
    std::vector<int64_t> at(words.size());
    for (size_t r = 1; r < words.size(); ++r) at[r] = at[r - 1] + words[r - 1];
    const auto own = static_cast<size_t>(ranks().rank);
    if (word(all, at[own]) != mine) copy(word(all, at[own]), mine, words[own]);
    const int64_t most = *std::max_element(words.begin(), words.end());
    for (int64_t from = 0; from < most; from += kShown) {
      const auto part = [&](size_t r) { return std::clamp<int64_t>(words[r] - from, 0, kShown); };
      meet([&](void* slot) { copy(slot, word(mine, from), part(own)); },
           [&] { for_others([&](size_t r) { copy(word(all, at[r] + from), slot(r), part(r)); }); });
    }
  }

  void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) override {
    copy(word(theirs, ranks().rank * words), mine[static_cast<size_t>(ranks().rank)].data, words);
    for (int64_t from = 0, most = longest(mine); from < most; from += width_)
      meet([&](void* slot) { show_blocks(mine, from, slot); },
           [&] {
             for_others([&](size_t r) {
               const int64_t part = std::clamp<int64_t>(words - from, 0, width_);
               copy(word(theirs, static_cast<int64_t>(r) * words + from), for_me(r), part);
             });
           });
  }

  void run_show(std::span<const Block> mine, int64_t words, const Use& use) override {
    if (longest(mine) > width_) return Group::run_show(mine, words, use);
    const auto own = static_cast<size_t>(ranks().rank);
    std::vector<const float*> theirs(mine.size());
    theirs[own] = static_cast<const float*>(mine[own].data);
    meet([&](void* slot) { show_blocks(mine, 0, slot); },
         [&] {
           for_others([&](size_t r) { theirs[r] = for_me(r); });
           if (words > 0) use(theirs);
         });
  }

  void run_broadcast(void* values, int64_t words) override {
    const bool first = ranks().rank == 0;
    for (int64_t from = 0; from < words; from += kShown) {
      const int64_t part = std::min(kShown, words - from);
      meet(
          [&](void* slot) {
            if (first) copy(slot, word(values, from), part);
          },
          [&] {
            if (!first) copy(word(values, from), slot(0), part);
          });
    }
  }

 private:
  static float* word(void* p, int64_t at) { return static_cast<float*>(p) + at; }
  static const float* word(const void* p, int64_t at) { return static_cast<const float*>(p) + at; }
  static void copy(void* to, const void* from, int64_t words) {
    if (words > 0) std::memcpy(to, from, static_cast<size_t>(words) * 4);
  }
  static int64_t longest(std::span<const Block> mine) {
    int64_t most = 0;
    for (const Block& b : mine) most = std::max(most, b.words);
    return most;
  }

  template <class Body>
  void for_others(Body&& body) const {
    for (size_t r = 0; r < static_cast<size_t>(ranks().size); ++r)
      if (r != static_cast<size_t>(ranks().rank)) body(r);
  }
  void show_blocks(std::span<const Block> mine, int64_t from, void* slot) const {
    for_others([&](size_t r) {
      const int64_t part = std::clamp<int64_t>(mine[r].words - from, 0, width_);
      copy(word(slot, static_cast<int64_t>(r) * width_), word(mine[r].data, from), part);
    });
  }

  Progress& progress(size_t r) const { return reinterpret_cast<Progress*>(memory_->data() + kHead)[r]; }
  void* slot(size_t r) const {
    const auto number = static_cast<int64_t>(r) * 2 + round_ % 2;
    return memory_->data() + slots_at(ranks().size) + static_cast<size_t>(number * slot_words(ranks().size)) * 4;
  }
  /// The part for this rank of what another shows.
  const float* for_me(size_t r) const { return word(slot(r), ranks().rank * width_); }

  /// A round: `show` writes this rank's slot, `read` reads those of all others.
  template <class Show, class Read>
  void meet(Show&& show, Read&& read) {
    ++round_;
    Progress& own = progress(static_cast<size_t>(ranks().rank));
    for_others([&](size_t r) { wait(progress(r).taken, round_ - 2); });
    show(slot(static_cast<size_t>(ranks().rank)));
    own.shown.store(round_, std::memory_order_release);
    for_others([&](size_t r) { wait(progress(r).shown, round_); });
    read();
    own.taken.store(round_, std::memory_order_release);
  }

  void wait(const std::atomic<int64_t>& count, int64_t until) const {
    const auto reached = [&] { return count.load(std::memory_order_acquire) >= until; };
    for (int look = 0; look < kBusyLooks; ++look)
      if (reached()) return;
    for (Pause pause; !reached(); pause()) {
      if (const std::string why = ended(); !why.empty()) throw job_ended(why);
      if (stop_ && stop_->load(std::memory_order_relaxed)) throw wait_cancelled();
      watch();
    }
  }

  const std::shared_ptr<Group> group_;
  const std::unique_ptr<SharedMemory> memory_;
  const std::atomic<bool>* const stop_;
  const int64_t width_ = width_for(ranks().size);
  int64_t round_ = 0;
};

/// What each rank has, whose size is whole words.
template <class T>
std::vector<T> all_of(Group& group, const T& own) {
  static_assert(sizeof(T) % 4 == 0);
  std::vector<T> all(static_cast<size_t>(group.ranks().size));
  group.all_gather(&own, std::vector<int64_t>(all.size(), sizeof(T) / 4), all.data());
  return all;
}

}  // namespace

std::shared_ptr<Group> neighbours(const std::shared_ptr<Group>& group, const std::atomic<bool>* stop) {
  const Ranks ranks = group->ranks();
  if (ranks.alone()) return group;
  auto memory = std::make_unique<SharedMemory>();
  const size_t bytes = bytes_of(ranks.size);
  if (ranks.rank == 0) memory->create(bytes);
  const std::vector<SharedMemory::Address> all = all_of(*group, memory->address());
  const bool near = std::all_of(all.begin(), all.end(), [&](const auto& a) { return a.is_near(all[0]); });
  if (!near || all[0].descriptor < 0) return group;
  const std::vector<int32_t> seen = all_of<int32_t>(*group, ranks.rank == 0 || memory->open(all[0], bytes));
  memory->close();
  if (std::find(seen.begin(), seen.end(), 0) != seen.end()) return group;
  return std::make_shared<Neighbours>(group, std::move(memory), stop);
}

std::shared_ptr<Group> session_group(const std::atomic<bool>* stop) { return neighbours(World::join()->group(0, stop), stop); }

}  // namespace cw
