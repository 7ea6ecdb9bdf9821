// The job over an MPI that is made of counters: what a wait that is given up leaves behind.
#include "dist/world.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "core/error.h"

namespace cw::test {
namespace {

/// Never done, whatever was begun; every call is counted.
std::atomic<int64_t> calls;
int pending;

const MpiTable& table_that_never_ends() {
  static const MpiTable table{
      .version = kMpiTableVersion,
      .library = "a test",
      .join = [](int* rank, int* size) -> const char* { return *rank = 0, *size = 2, nullptr; },
      .all_gather = [](int, const void*, int, void*, const int*, const int*) -> void* { return ++calls, &pending; },
      .exchange = [](int, const void*, const int*, const int*, void*, const int*, const int*) -> void* { return ++calls, &pending; },
      .broadcast = [](int, void*, int) -> void* { return ++calls, &pending; },
      .done = [](void*) { return ++calls, false; },
      .notify = [](int, const void*, int) { ++calls; },
      .notice = [](int*, void*) { return ++calls, -1; },
      .finalize = [] { ++calls; }};
  return table;
}

Code code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code;
  }
  return Code::mismatch;  // nothing was thrown
}

// MPI would go on writing where the memory of the call was.
void expect_that_nothing_reaches_mpi(World& world) {
  const int64_t after = calls;
  EXPECT_EQ(code_of([&] { world.group(1)->broadcast(nullptr, 1); }), Code::rank);
  world.tell_all("it ends");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  world.leave();
  EXPECT_EQ(calls, after);
}

TEST(World, NothingReachesMpiOnceAWaitWasGivenUp) {
  World world(table_that_never_ends(), 0.001, 60);
  std::atomic<bool> stop{false};
  float value = 0;
  Code seen = Code::device;
  const int64_t begun = calls;
  std::thread waiting([&] { seen = code_of([&] { world.group(0, &stop)->broadcast(&value, 1); }); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GT(calls, begun + 10);  // it waits, and the watch goes on
  stop = true;
  waiting.join();
  EXPECT_EQ(seen, Code::cancelled);
  expect_that_nothing_reaches_mpi(world);
}

TEST(World, NothingReachesMpiOnceTheWatchOfAWaitHasThrown) {
  World world(table_that_never_ends(), 0.001, 60);
  const std::shared_ptr<Group> group = world.group(0);
  int looks = 0;
  group->set_watch([&] {
    if (++looks == 3) throw Error(Code::device, "a card that others wait for has failed");
  });
  float value = 0;
  EXPECT_EQ(code_of([&] { group->broadcast(&value, 1); }), Code::device);
  EXPECT_EQ(looks, 3);
  expect_that_nothing_reaches_mpi(world);
}

}  // namespace
}  // namespace cw::test
