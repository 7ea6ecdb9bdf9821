#include "engine/worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
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

TEST(Worker, DefersTheRestOfAJobUntilTheNextHasBegunOrNoneWaits) {
  std::vector<std::string> seen;
  std::atomic<bool> alone{false}, go{false};
  {
    Worker worker;
    worker.post([&] {
      while (!go) std::this_thread::yield();
    });
    for (const char* name : {"a", "b"})
      worker.post([&, name] {
        seen.push_back(std::string("begin ") + name);
        worker.defer({[&, name] {
          seen.push_back(std::string("end ") + name);
          alone = alone || name == std::string("b");
        }});
      });
    go = true;
    while (!alone) std::this_thread::yield();  // nobody posts another job: b ends all the same
    worker.post([&] {
      worker.defer({[&] { seen.push_back("end c"); }});
      seen.push_back("begin c");
    });
    worker.post([&] {
      worker.run_deferred();
      seen.push_back("close");
    });
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"begin a", "begin b", "end a", "end b", "begin c", "end c", "close"}));
}

TEST(Worker, BeginsAJobThatComesWhileResultsAreWaitedFor) {
  std::vector<std::string> seen;
  std::atomic<bool> there{false}, asked{false}, begun{false}, ended{false};
  Worker worker;
  const auto job = [&](const char* name) {
    return [&, name] {
      seen.push_back(std::string("begin ") + name);
      begun = name == std::string("b");
      worker.defer({.run =
                        [&, name] {
                          asked = true;
                          while (!there) std::this_thread::yield();
                          seen.push_back(std::string("end ") + name);
                          ended = name == std::string("b");
                        },
                    .ready =
                        [&] {
                          asked = true;
                          return there.load();
                        }});
    };
  };
  worker.post(job("a"));
  while (!asked) std::this_thread::yield();  // the worker has nothing to do but to wait
  worker.post(job("b"));
  for (int i = 0; i < 5000 && !begun; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(begun);
  there = true;
  while (!ended) std::this_thread::yield();
  worker.join();
  EXPECT_EQ(seen, (std::vector<std::string>{"begin a", "begin b", "end a", "end b"}));
}

TEST(Worker, RunsWhatWasDeferredBeforeItEnds) {
  bool ran = false;
  {
    Worker worker;
    worker.post([&] { worker.defer({[&] { ran = true; }}); });
  }
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace cw::test
