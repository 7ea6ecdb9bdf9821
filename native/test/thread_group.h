// Ranks that are threads of one process: what MPI does between processes, without one.
#pragma once
#include <barrier>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "dist/group.h"

namespace cw::test {

class ThreadGroup final : public Group {
 public:
  struct Shared {
    explicit Shared(int64_t size) : meeting(size), blocks(static_cast<size_t>(size)) {}
    std::barrier<> meeting;
    std::vector<std::vector<Block>> blocks;  // what each rank shows the others
  };
  ThreadGroup(Ranks ranks, std::shared_ptr<Shared> shared) : Group(ranks), shared_(std::move(shared)) {}

  void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) override {
    auto* to = static_cast<float*>(all);
    meet({{mine, words[static_cast<size_t>(ranks().rank)]}}, [&](const std::vector<Block>& blocks, int64_t) {
      copy(to, blocks[0].data, blocks[0].words);
      to += blocks[0].words;
    });
  }
  void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) override {
    auto* to = static_cast<float*>(theirs);
    meet({mine.begin(), mine.end()}, [&](const std::vector<Block>& blocks, int64_t) {
      copy(to, blocks[static_cast<size_t>(ranks().rank)].data, words);
      to += words;
    });
  }
  void run_broadcast(void* values, int64_t words) override {
    meet({{values, words}}, [&](const std::vector<Block>& blocks, int64_t rank) {
      if (rank == 0 && ranks().rank != 0) copy(values, blocks[0].data, words);
    });
  }

 private:
  /// Of no words there may be no memory either; a rank's own may lie in its place.
  static void copy(void* to, const void* from, int64_t words) {
    if (words > 0) std::memmove(to, from, static_cast<size_t>(words) * 4);
  }
  template <class Body>
  void meet(std::vector<Block> mine, Body&& body) {
    shared_->blocks[static_cast<size_t>(ranks().rank)] = std::move(mine);
    shared_->meeting.arrive_and_wait();
    for (int64_t r = 0; r < ranks().size; ++r) body(shared_->blocks[static_cast<size_t>(r)], r);
    shared_->meeting.arrive_and_wait();
  }

  std::shared_ptr<Shared> shared_;
};

/// body(group) on a thread for each rank.
template <class Body>
void on_ranks(int64_t size, Body&& body) {
  const auto shared = std::make_shared<ThreadGroup::Shared>(size);
  std::vector<std::jthread> threads;
  for (int64_t r = 0; r < size; ++r)
    threads.emplace_back([&body, shared, r, size] { body(std::make_shared<ThreadGroup>(Ranks{r, size}, shared)); });
}

}  // namespace cw::test
