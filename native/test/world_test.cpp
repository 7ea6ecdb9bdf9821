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
  return Code::device;
}

// MPI would go on writing where the memory of the call was.
TEST(World, NothingReachesMpiOnceAWaitWasGivenUp) {
  World world(table_that_never_ends(), 0.001, 60);
  std::atomic<bool> stop{false};
  float value = 0;
  Code seen = Code::device;
  std::thread waiting([&] { seen = code_of([&] { world.group(0, &stop)->broadcast(&value, 1); }); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const int64_t before = calls;
  EXPECT_GT(before, 10);  // it waits, and the watch goes on
  stop = true;
  waiting.join();
  EXPECT_EQ(seen, Code::cancelled);
  const int64_t after = calls;
  EXPECT_EQ(code_of([&] { world.group(1)->broadcast(&value, 1); }), Code::rank);
  world.tell_all("it ends");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  world.leave();
  EXPECT_EQ(calls, after);
}

}  // namespace
}  // namespace cw::test
