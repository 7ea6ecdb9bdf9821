#include "ops/cuda/emulation/block.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "ops/cuda/emulation/bulk.h"
#include "ops/cuda/emulation/device.h"
#include "ops/cuda/emulation/fiber.h"
#include "ops/cuda/emulation/order.h"
#include "ops/cuda/emulation/shared_memory.h"
#include "ops/cuda/emulation/state.h"

namespace cw::emulation {

constinit thread_local const Thread* current_thread = nullptr;
constinit thread_local uint3 current_block{};
constinit thread_local dim3 current_block_dim{}, current_grid_dim{};

namespace {

constexpr unsigned kLanes = 32;
constexpr size_t kStaticSharedLimit = 48 * 1024;

enum class State : uint8_t { ready, at_barrier, in_exchange, polling, ended };

struct Lane {
  Thread where;
  Fiber* fiber = nullptr;
  State state = State::ready;
  std::source_location at;  // the barrier or shuffle at which it waits
  // What it brings to a shuffle, and what it takes from it.
  uint32_t mask = 0;
  unsigned source = 0;
  bool vote = false;
  uint32_t votes = 0;
  uint64_t value = 0;
  bool polled = false, stuck = false;  // asked in vain so far; and nothing is left that could change the answer
};

class Block {
 public:
  Block(const Launch& launch, const std::function<void()>& body)
      : launch_(launch), body_(body), lanes_(size_t{launch.block.x} * launch.block.y * launch.block.z) {
    for (unsigned i = 0; i < lanes_.size(); ++i) {
      const dim3& b = launch.block;
      lanes_[i].where = {{i % b.x, i / b.x % b.y, i / (b.x * b.y)}, i % kLanes, i / kLanes};
    }
  }
  ~Block();

  std::string run();
  void run_at(uint3 index);

  // On a fiber:
  void wait_at_barrier(std::source_location where) {
    Lane& lane = *lane_;
    lane.state = State::at_barrier;
    lane.at = where;
    pause(lane);
  }
  Lane& meet(uint32_t mask, unsigned source, std::source_location where, uint64_t value, bool vote);
  bool poll(std::source_location where) {
    Lane& lane = *lane_;
    lane.state = State::polling;
    lane.at = where;
    lane.polled = true;
    pause(lane);
    if (!lane.stuck) return true;
    lane.stuck = lane.polled = false;
    return gave_up_ = progress_ = true, false;
  }
  void progressed() {
    if (lane_->polled) progress_ = true;
    lane_->polled = false;
  }
  void later(std::function<void()> happen) { coming_.push_back(std::move(happen)); }
  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = "kernel " + launch_.name + ", block (" + std::to_string(current_block.x) + ", " +
                                 std::to_string(current_block.y) + ", " + std::to_string(current_block.z) + "): " + what;
  }
  void fail(const std::string& what, std::source_location where) {
    fail("thread " + std::to_string(lane_ - lanes_.data()) + " " + what + place(where));
  }
  [[noreturn]] void stop() {
    Fiber::pause();  // never resumed
    std::abort();
  }

  SharedMemory shared;
  size_t dynamic_bytes() const { return launch_.shared_bytes; }
  static thread_local Block* active;

 private:
  static std::string place(std::source_location where) {
    const std::string_view file = where.file_name();
    return " (" + std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(where.line()) + ")";
  }
  void pause(Lane& lane) {
    Fiber::pause();
    lane_ = &lane;
  }
  void step(Lane& lane);
  bool run_warp(unsigned warp);
  bool resume_polling();
  void open_barrier();
  Fiber* take_fiber();

  const Launch& launch_;
  const std::function<void()>& body_;
  std::vector<Lane> lanes_;
  std::vector<unsigned> block_order_, warp_order_, lane_order_, coming_order_;
  std::vector<std::function<void()>> coming_;  // what happens beside the threads
  bool progress_ = false;                      // since lanes that poll were asked last
  bool gave_up_ = false;
  Lane* lane_ = nullptr;
  Order order_;
  std::string fault_;
  std::vector<Fiber*> idle_;
};

thread_local Block* Block::active = nullptr;

/// Fibers that no launch uses. Never destroyed: sessions may end after static objects do.
struct Pool {
  std::mutex mutex;
  std::vector<Fiber*> idle;
};
Pool& pool() {
  static Pool& p = *new Pool;
  return p;
}

Fiber* Block::take_fiber() {
  if (idle_.empty()) {
    const std::lock_guard lock(pool().mutex);
    if (pool().idle.empty()) return new Fiber;
    idle_.swap(pool().idle);
  }
  Fiber* f = idle_.back();
  idle_.pop_back();
  return f;
}

Block::~Block() {
  active = nullptr;
  for (Lane& lane : lanes_)  // of a launch that failed: what their stacks held is dropped
    if (lane.fiber) idle_.push_back(lane.fiber);
  const std::lock_guard lock(pool().mutex);
  pool().idle.insert(pool().idle.end(), idle_.begin(), idle_.end());
}

void Block::step(Lane& lane) {
  if (!lane.fiber) {
    lane.fiber = take_fiber();
    lane.fiber->start([](void* self) { static_cast<Block*>(self)->body_(); }, this);
  }
  lane_ = &lane;
  current_thread = &lane.where;
  if (!lane.polled) progress_ = true;
  lane.fiber->resume();
  if (!lane.fiber->ended()) return;
  // Threads that never wait share one stack.
  idle_.push_back(lane.fiber);
  lane.fiber = nullptr;
  lane.state = State::ended;
}

/// Runs the warp's lanes until each has ended or waits. Returns whether any of them moved.
bool Block::run_warp(unsigned warp) {
  const size_t first = size_t{warp} * kLanes;
  order_.arrange(lane_order_, std::min<size_t>(kLanes, lanes_.size() - first));
  bool moved = false;
  for (bool again = true; again && fault_.empty();) {
    again = false;
    for (const unsigned i : lane_order_) {
      Lane& lane = lanes_[first + i];
      if (lane.state != State::ready) continue;
      step(lane);
      again = moved = true;
      if (!fault_.empty()) break;
    }
  }
  return moved;
}

Lane& Block::meet(uint32_t mask, unsigned source, std::source_location where, uint64_t value, bool vote) {
  Lane& me = *lane_;
  if (!(mask >> me.where.lane & 1)) {
    fail("is not in the mask of its own shuffle", where);
    stop();
  }
  me.mask = mask;
  me.source = source;
  me.value = value;
  me.vote = vote;
  me.at = where;
  me.state = State::in_exchange;
  Lane* warp = &lanes_[size_t{me.where.warp} * kLanes];
  const size_t present = std::min<size_t>(kLanes, lanes_.size() - size_t{me.where.warp} * kLanes);
  uint32_t votes = 0;
  bool complete = true;
  for (unsigned n = 0; n < kLanes && complete; ++n) {
    const unsigned i = n % 2 ? kLanes - 1 - n / 2 : n / 2;  // from both ends: whoever comes last in an order is seen soon
    if (!(mask >> i & 1)) continue;
    // A mask may name lanes past the end of the block: hardware has no such lanes either.
    if (i >= present) continue;
    const Lane& other = warp[i];
    if (other.state != State::in_exchange || other.mask != mask) complete = false;
    if (complete && other.at.line() != where.line()) {
      fail("meets thread " + std::to_string(&other - lanes_.data()) + " of its warp, which waits elsewhere" + place(other.at), where);
      stop();
    }
    if (other.vote) votes |= 1u << i;
  }
  if (!complete) {
    pause(me);
    return me;
  }
  uint64_t given[kLanes] = {};
  for (unsigned i = 0; i < present; ++i) given[i] = warp[i].value;
  for (unsigned i = 0; i < present; ++i) {
    if (!(mask >> i & 1)) continue;
    if (!(mask >> warp[i].source & 1) || warp[i].source >= present) {
      fail("shuffles from lane " + std::to_string(warp[i].source) + ", which takes no part", where);
      stop();
    }
    warp[i].value = given[warp[i].source];
    warp[i].votes = votes;
    warp[i].state = State::ready;
  }
  return me;
}

/// Asks lanes that poll again: once others have moved, or, when none can, something has happened beside them. False without
/// such lanes.
bool Block::resume_polling() {
  const auto polls = [](const Lane& l) { return l.state == State::polling; };
  if (std::none_of(lanes_.begin(), lanes_.end(), polls)) return false;
  const bool stuck = !progress_ && coming_.empty();
  if (!progress_ && !stuck) {
    order_.arrange(coming_order_, coming_.size());
    const auto next = coming_.begin() + coming_order_.front();
    const auto happen = std::move(*next);
    coming_.erase(next);
    happen();
  }
  progress_ = false;
  for (Lane& lane : lanes_) {
    if (!polls(lane)) continue;
    lane.state = State::ready;
    lane.stuck = stuck;
  }
  return true;
}

void Block::open_barrier() {
  const Lane* waiting = nullptr;
  for (const Lane& lane : lanes_) {
    if (lane.state == State::ended || (waiting && lane.state != waiting->state) ||
        (waiting && lane.at.line() != waiting->at.line()) || lane.state == State::in_exchange) {
      // Some wait, and others will never come.
      for (const Lane& l : lanes_)
        if (l.state == State::at_barrier || l.state == State::in_exchange) waiting = &l;
      const char* others = lane.state == State::ended ? "thread %ld has ended" : "thread %ld waits elsewhere";
      char text[64];
      std::snprintf(text, sizeof text, others, static_cast<long>(&lane - lanes_.data()));
      return fail("a barrier or shuffle that not all threads reach: thread " + std::to_string(waiting - lanes_.data()) +
                  " waits" + place(waiting->at) + ", " + text + (lane.state == State::ended ? "" : place(lane.at)));
    }
    waiting = &lane;
  }
  for (Lane& lane : lanes_) lane.state = State::ready;
}

void Block::run_at(uint3 index) {
  current_block = index;
  shared.poison();
  coming_.clear();
  gave_up_ = false;
  for (Lane& lane : lanes_) lane.state = State::ready, lane.polled = lane.stuck = false;
  const auto warps = static_cast<unsigned>((lanes_.size() + kLanes - 1) / kLanes);
  for (;;) {
    order_.arrange(warp_order_, warps);
    for (const unsigned w : warp_order_) {
      run_warp(w);
      if (!fault_.empty()) return;
    }
    if (std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.state == State::ended; })) {
      if (const std::string where = shared.damage(); !where.empty()) fail(where);
      if (!coming_.empty() && !gave_up_) fail("ended while bulk copies were on their way");
      return;
    }
    if (!resume_polling()) open_barrier();
    if (!fault_.empty()) return;
  }
}

std::string Block::run() {
  active = this;
  current_block_dim = launch_.block;
  current_grid_dim = launch_.grid;
  const dim3& g = launch_.grid;
  order_.arrange(block_order_, size_t{g.x} * g.y * g.z);
  for (const unsigned i : block_order_) {
    run_at({i % g.x, i / g.x % g.y, i / (g.x * g.y)});
    if (!fault_.empty()) break;
  }
  const size_t fixed = shared.static_bytes(), rest = shared_memory_of_block() - launch_.shared_bytes;
  if (fault_.empty() && fixed > std::min(kStaticSharedLimit, rest))
    fail("its static shared arrays take " + std::to_string(fixed) + " bytes: 49152 are allowed, and here " + std::to_string(rest));
  return fault_;
}

}  // namespace

std::string run_grid(const Launch& launch, const std::function<void()>& body) { return Block(launch, body).run(); }

void fault(const char* what, std::source_location where) {
  Block::active->fail(what, where);
  Block::active->stop();
}

void barrier(std::source_location where) { Block::active->wait_at_barrier(where); }

void exchange(uint32_t mask, unsigned source, void* value, size_t bytes, std::source_location where) {
  uint64_t bits = 0;
  std::memcpy(&bits, value, bytes);
  const Lane& lane = Block::active->meet(mask, source, where, bits, false);
  std::memcpy(value, &lane.value, bytes);
}

uint32_t ballot(uint32_t mask, bool vote, std::source_location where) {
  return Block::active->meet(mask, current_thread->lane, where, 0, vote).votes;
}

bool poll(std::source_location where) { return Block::active->poll(where); }
void progressed() { Block::active->progressed(); }
void later(std::function<void()> happen) { Block::active->later(std::move(happen)); }
size_t shared_dynamic_bytes() { return Block::active->dynamic_bytes(); }

void* shared(const void* site, size_t bytes) { return Block::active->shared.at(site, bytes); }

void* shared_dynamic() {
  return Block::active->shared.dynamic(Block::active->dynamic_bytes());
}

}  // namespace cw::emulation
