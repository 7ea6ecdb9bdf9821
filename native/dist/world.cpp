#include "dist/world.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "dist/waiting.h"

namespace cw {
namespace {

using Clock = std::chrono::steady_clock;

/// The first byte of a notice.
constexpr char kBeat = 'b', kReason = 'r';

double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

std::string name_of_rank(const Ranks& ranks, int64_t rank) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(ranks.size);
}

int as_int(int64_t words) {
  if (words > INT_MAX)
    throw Error(Code::unsupported, "[ranks] more than 2^31 words cannot be sent at once; lower batchSize");
  return static_cast<int>(words);
}

}  // namespace

class MpiGroup final : public Group {
 public:
  MpiGroup(World& world, int channel, const std::atomic<bool>* stop)
      : Group(world.ranks()), world_(world), table_(world.table_), channel_(channel), stop_(stop) {}

  std::string ended() const override { return world_.has_ended_ ? world_.ended() : std::string(); }
  void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) override {
    const Layout layout(words);
    const int own = layout.words[static_cast<size_t>(ranks().rank)];
    await([&] { return table_.all_gather(channel_, mine, own, all, layout.words.data(), layout.at.data()); });
  }
  void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) override {
    const std::vector<int64_t> each(mine.size(), words);
    const Layout from(each);
    const auto* base = static_cast<const int32_t*>(mine[0].data);
    for (const Block& b : mine) base = std::min(base, static_cast<const int32_t*>(b.data));
    std::vector<int> counts, at;
    for (const Block& b : mine) {
      counts.push_back(as_int(b.words));
      at.push_back(as_int(static_cast<const int32_t*>(b.data) - base));
    }
    await([&] { return table_.exchange(channel_, base, counts.data(), at.data(), theirs, from.words.data(), from.at.data()); });
  }
  void run_broadcast(void* values, int64_t words) override {
    const int count = as_int(words);
    await([&] { return table_.broadcast(channel_, values, count); });
  }

 private:
  /// Blocks one after another.
  struct Layout {
    std::vector<int> words, at;
    explicit Layout(std::span<const int64_t> lengths) {
      int64_t begin = 0;
      for (const int64_t length : lengths) {
        words.push_back(as_int(length));
        at.push_back(as_int(begin));
        begin += length;
      }
    }
  };

  /// Until what `begin` began is done.
  template <class Begin>
  void await(Begin&& begin) {
    world_.await(world_.in_mpi(begin), stop_, [this] { watch(); });
  }

  World& world_;
  const MpiTable& table_;
  const int channel_;
  const std::atomic<bool>* stop_;
};

World::World(const MpiTable& table, double beat_seconds, double patience_seconds)
    : table_(table), beat_(beat_seconds), patience_(patience_seconds) {
  int rank = 0, size = 1;
  if (const char* why = table.join(&rank, &size))
    throw Error(Code::unsupported, std::string("[ranks] ") + table.library + " cannot be used: " + why);
  ranks_ = {rank, size};
  watcher_ = std::thread([this] { watch(); });
}

World::~World() { stop_watching(); }

bool World::stop_watching() {
  {
    const std::lock_guard lock(mutex_);
    if (leaving_) return false;
    leaving_ = true;
  }
  wake_.notify_all();
  if (watcher_.joinable()) watcher_.join();
  return true;
}

std::shared_ptr<Group> World::group(int channel, const std::atomic<bool>* stop) {
  return std::make_shared<MpiGroup>(*this, channel, stop);
}

/// Beats go round in a ring: to the next rank, from the one before.
void World::watch() {
  const int64_t next = (ranks_.rank + 1) % ranks_.size, before = (ranks_.rank + ranks_.size - 1) % ranks_.size;
  auto last_sent = Clock::now() - std::chrono::hours(1), last_heard = Clock::now();
  char bytes[kMpiNotice];
  std::unique_lock lock(mutex_);
  while (!leaving_) {
    lock.unlock();
    if (seconds_since(last_sent) >= beat_ && ranks_.size > 1) {
      // A process that was itself stopped for a while has heard nobody, and nobody may be gone.
      if (seconds_since(last_sent) > 3 * beat_) last_heard = Clock::now();
      notify(next, &kBeat, 1);
      last_sent = Clock::now();
    }
    int64_t rank = 0;
    for (int count; (count = notice(&rank, bytes)) >= 0;) {
      if (rank == before) last_heard = Clock::now();
      if (count > 1 && bytes[0] == kReason) end(std::string(bytes + 1, bytes + count));
    }
    if (ranks_.size > 1 && seconds_since(last_heard) > patience_ && !has_ended_) {
      const std::string why = name_of_rank(ranks_, before) + " has not answered for " +
                              std::to_string(static_cast<int>(patience_)) + " s";
      tell_all(why);
      end(why);
    }
    lock.lock();
    // By the system's clock: waiting by the steady one takes a glibc of 2.30.
    const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(std::min(0.1, beat_ / 4)));
    wake_.wait_until(lock, std::chrono::system_clock::now() + pause);
  }
}

void World::end(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  ended_ = why;
  has_ended_ = true;
}

std::string World::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void World::tell_all(const std::string& reason) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  // What was heard from another rank is passed on as it is.
  std::string text = reason.starts_with("rank ") ? reason : name_of_rank(ranks_, ranks_.rank) + " (" + host + ", process " +
                                                                std::to_string(getpid()) + ") ended: " + reason;
  text = kReason + text.substr(0, kMpiNotice - 1);
  for (int64_t r = 0; r < ranks_.size; ++r)
    if (r != ranks_.rank) notify(r, text.data(), static_cast<int>(text.size()));
}

void World::notify(int64_t rank, const char* bytes, int count) {
  const std::shared_lock lock(calls_);
  if (!given_up_) table_.notify(static_cast<int>(rank), bytes, count);
}

int World::notice(int64_t* rank, char* bytes) {
  const std::shared_lock lock(calls_);
  int from = 0;
  const int count = given_up_ ? -1 : table_.notice(&from, bytes);
  *rank = from;
  return count;
}

void World::give_up() {
  const std::unique_lock lock(calls_);
  given_up_ = true;
}

void World::throw_left() const {
  const std::string why = ended();
  throw job_ended(why.empty() ? "this rank has given up a call to them" : why);
}

void World::leave() {
  if (stop_watching() && !has_ended_ && !given_up_) table_.finalize();
}

void World::await(void* request, const std::atomic<bool>* stop, const std::function<void()>& watch) {
  for (Pause pause; !in_mpi([&] { return table_.done(request); }); pause()) {
    if (has_ended_) {
      give_up();
      throw_left();
    }
    if (stop && stop->load(std::memory_order_relaxed)) {
      give_up();
      throw wait_cancelled();
    }
    try {
      watch();
    } catch (...) {
      give_up();
      throw;
    }
  }
}

}  // namespace cw
