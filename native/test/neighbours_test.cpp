// Ranks over memory that they share: who sees it, and what ends their waits.
#include "dist/neighbours.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "dist/shared_memory.h"
#include "test/thread_group.h"

namespace cw::test {
namespace {

TEST(Neighbours, SeeMemoryByItsAddressWhileItIsOpen) {
  constexpr size_t bytes = 8192;
  SharedMemory own, other, closed, another;
  ASSERT_TRUE(own.create(bytes));
  ASSERT_TRUE(other.open(own.address(), bytes));
  own.data()[100] = std::byte{7};
  EXPECT_EQ(other.data()[100], std::byte{7});
  SharedMemory::Address wrong = own.address();
  ++wrong.number;
  EXPECT_FALSE(SharedMemory().open(wrong, bytes));
  EXPECT_FALSE(SharedMemory().open(own.address(), 2 * bytes));
  const SharedMemory::Address before = own.address();
  own.close();
  EXPECT_FALSE(closed.open(before, bytes));
  other.data()[101] = std::byte{8};
  EXPECT_EQ(own.data()[101], std::byte{8});
}

TEST(Neighbours, AreOfOneMachineAndOneContainer) {
  SharedMemory memory;
  const SharedMemory::Address here = memory.address();
  SharedMemory::Address machine = here, container = here, unknown = here;
  EXPECT_TRUE(here.is_near(here));
  ++machine.boot[0];
  EXPECT_FALSE(machine.is_near(here));
  ++container.process_namespace;
  EXPECT_FALSE(container.is_near(here));
  unknown.boot[0] = 0;
  EXPECT_FALSE(unknown.is_near(unknown));
}

TEST(Neighbours, GoThroughTheMemoryAndNotThroughTheGroup) {
  on_ranks(2, [](const std::shared_ptr<Group>& group) {
    const std::shared_ptr<Group> near = neighbours(group);
    EXPECT_NE(near, group);
    const int64_t before = group->sent();
    float value = group->ranks().rank == 0 ? 5.f : 0.f;
    near->broadcast(&value, 1);
    EXPECT_EQ(value, 5);
    EXPECT_EQ(group->sent(), before);
    EXPECT_EQ(near->sent(), group->ranks().rank == 0 ? 1 : 0);
  });
  const std::shared_ptr<Group> alone = solo_group();
  EXPECT_EQ(neighbours(alone), alone);
}

/// A group whose job ends when it is told.
class EndingGroup final : public Group {
 public:
  EndingGroup(std::shared_ptr<Group> group, const std::atomic<bool>& over) : Group(group->ranks()), group_(std::move(group)), over_(over) {}
  std::string ended() const override { return over_ ? "rank 1 of 2 has gone" : ""; }

 private:
  void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) override { group_->all_gather(mine, words, all); }
  void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) override { group_->exchange(mine, theirs, words); }
  void run_broadcast(void* values, int64_t words) override { group_->broadcast(values, words); }

  std::shared_ptr<Group> group_;
  const std::atomic<bool>& over_;
};

std::string thrown_by(Group& group, Code code) {
  float value = 1;
  std::array<float, 2> all{};
  try {
    group.all_gather(&value, std::array<int64_t, 2>{1, 1}, all.data());
  } catch (const Error& e) {
    EXPECT_EQ(e.code, code);
    return e.what();
  }
  return "";
}

TEST(Neighbours, AWaitEndsWithTheJobOrTheSession) {
  on_ranks(2, [](const std::shared_ptr<Group>& group) {
    std::atomic<bool> over{false}, stop{false};
    const auto with_end = neighbours(std::make_shared<EndingGroup>(group, over)), with_stop = neighbours(group, &stop);
    if (group->ranks().rank == 1) return;  // it never comes
    const auto soon = [](std::atomic<bool>& flag) {
      return std::jthread([&flag] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        flag = true;
      });
    };
    const std::jthread ending = soon(over);
    EXPECT_NE(thrown_by(*with_end, Code::rank).find("rank 1 of 2 has gone"), std::string::npos);
    const std::jthread stopping = soon(stop);
    EXPECT_NE(thrown_by(*with_stop, Code::cancelled), "");
  });
}

TEST(Neighbours, AWaitEndsWithWhatItsWatchFinds) {
  on_ranks(2, [](const std::shared_ptr<Group>& group) {
    const auto near = neighbours(group);
    if (group->ranks().rank == 1) return;  // it never comes
    int looks = 0;
    near->set_watch([&] {
      if (++looks == 3) throw Error(Code::device, "a card that others wait for has failed");
    });
    EXPECT_EQ(thrown_by(*near, Code::device), "a card that others wait for has failed");
  });
}

}  // namespace
}  // namespace cw::test
