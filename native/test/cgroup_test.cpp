// Memory that a cgroup allows, read from a machine made of files.
#include "ops/cpu/cgroup.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>

#include "ops/cpu/memory.h"

namespace cw::test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

/// The root of a machine with these files.
class CgroupTest : public testing::Test {
 protected:
  CgroupTest() : root_(testing::TempDir() + "cgroup-" + testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~CgroupTest() override { std::filesystem::remove_all(root_); }

  const std::string& machine(const std::map<std::string, std::string>& files) {
    std::filesystem::remove_all(root_);
    for (const auto& [name, text] : files) {
      const std::filesystem::path path = root_ + "/" + name;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << text;
    }
    return root_;
  }

 private:
  const std::string root_;
};

std::string mib(size_t n) { return std::to_string(n * kMiB) + "\n"; }

TEST_F(CgroupTest, FilesThatTheKernelHoldsAreThereToBeTaken) {
  const auto memory = cgroup_memory(machine({{"proc/self/cgroup", "0::/a\n"},
                                             {"sys/fs/cgroup/a/memory.max", mib(1000)},
                                             {"sys/fs/cgroup/a/memory.current", mib(700)},
                                             {"sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file " + mib(100) + "active_file " + mib(50)}}));
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 1000 * kMiB);
  EXPECT_EQ(memory->available, 450 * kMiB);
}

TEST_F(CgroupTest, TheGroupAroundItMayLeaveLess) {
  const auto memory = cgroup_memory(machine({{"proc/self/cgroup", "0::/a/b\n"},
                                             {"sys/fs/cgroup/a/b/memory.max", "max\n"},
                                             {"sys/fs/cgroup/a/memory.max", mib(500)},
                                             {"sys/fs/cgroup/a/memory.current", mib(600)},
                                             {"sys/fs/cgroup/memory.max", mib(2000)},
                                             {"sys/fs/cgroup/memory.current", mib(100)}}));
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 500 * kMiB);
  EXPECT_EQ(memory->available, 0u);
}

TEST_F(CgroupTest, ReadsVersionOneAndAContainerThatSeesItsGroupAsTheRoot) {
  const auto memory = cgroup_memory(machine({{"proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1\n"},
                                             {"sys/fs/cgroup/memory/memory.limit_in_bytes", mib(800)},
                                             {"sys/fs/cgroup/memory/memory.usage_in_bytes", mib(300)},
                                             {"sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file " + mib(40)}}));
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 800 * kMiB);
  EXPECT_EQ(memory->available, 540 * kMiB);
}

TEST_F(CgroupTest, NoLimitIsNone) {
  EXPECT_FALSE(cgroup_memory(machine({})));
  EXPECT_FALSE(cgroup_memory(machine({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/memory.max", "max\n"}})));
  EXPECT_FALSE(cgroup_memory(machine({{"proc/self/cgroup", "4:memory:/\n"},
                                      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}})));
}

TEST_F(CgroupTest, WhatIsAvailableIsTheLesserOfTheMachinesAndTheGroups) {
  const std::map<std::string, std::string> machine_alone = {{"proc/meminfo", "MemTotal: 900000 kB\nMemAvailable:  204800 kB\n"}};
  EXPECT_EQ(available_memory(machine(machine_alone)), 200 * kMiB);
  auto limited = machine_alone;
  limited["proc/self/cgroup"] = "0::/\n";
  limited["sys/fs/cgroup/memory.max"] = mib(100);
  limited["sys/fs/cgroup/memory.current"] = mib(30);
  EXPECT_EQ(available_memory(machine(limited)), 70 * kMiB);
  limited["sys/fs/cgroup/memory.max"] = mib(1000);
  EXPECT_EQ(available_memory(machine(limited)), 200 * kMiB);
  EXPECT_EQ(available_memory(machine({})), SIZE_MAX);
}

}  // namespace
}  // namespace cw::test
