#include "engine/worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace cw::test {
namespace {

TEST(Worker, RunsJobsInOrderOnOneThread) {
  std::vector<int> seen;
  std::vector<std::thread::id> threads;
  {
    Worker worker;
    for (int i = 0; i < 100; ++i)
      worker.post([&, i] {
        seen.push_back(i);
        threads.push_back(std::this_thread::get_id());
      });
  }
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  for (const auto id : threads) EXPECT_EQ(id, threads[0]);
}

TEST(Worker, ClosingLetsQueuedJobsSeeTheFlagAndRefusesNewOnes) {
  Worker worker;
  std::atomic<int> gave_up{0};
  std::atomic<bool> started{false};
  worker.post([&] {
    started = true;
    while (!worker.stopping()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++gave_up;
  });
  worker.post([&] { gave_up += worker.stopping(); });
  while (!started) std::this_thread::yield();
  worker.close();
  EXPECT_FALSE(worker.post([] {}));
  worker.join();
  EXPECT_EQ(gave_up, 2);
  EXPECT_TRUE(worker.finished());
}

}  // namespace
}  // namespace cw::test
