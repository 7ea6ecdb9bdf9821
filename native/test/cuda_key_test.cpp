// Keys of command lists: whatever differs has another.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "ops/cuda/key.h"

namespace cw::test {
namespace {

using Pair = std::pair<uint64_t, uint64_t>;
Pair key_of(const std::vector<std::string>& parts) {
  Key key;
  for (const std::string& part : parts) key.add(std::string_view(part));
  return {key.high, key.low};
}

TEST(CudaKey, EveryBitOfALongContentCountsInBothHalves) {
  const std::string content(600, '\0');
  const Pair plain = key_of({content});
  std::set<Pair> seen{plain};
  std::set<uint64_t> high{plain.first}, low{plain.second};
  double flipped = 0;
  for (size_t bit = 0; bit < content.size() * 8; ++bit) {
    std::string other = content;
    other[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const Pair key = key_of({other});
    EXPECT_TRUE(high.insert(key.first).second && low.insert(key.second).second) << bit;
    flipped += std::popcount(key.first ^ plain.first) + std::popcount(key.second ^ plain.second);
  }
  EXPECT_NEAR(flipped / static_cast<double>(content.size() * 8), 64, 2) << "half of all bits";
}

TEST(CudaKey, OrderAndEndsOfPartsCount) {
  const std::vector<std::vector<std::string>> contents = {
      {},         {""},         {"", ""},        {"a"},          {"a", ""}, {"", "a"}, {"a", "b"}, {"b", "a"}, {"ab"}, {"ab", std::string(1, '\0')},
      {std::string("ab\0", 3)}, {std::string(16, '\0')}, {std::string(17, '\0')}, {std::string(32, '\0')}};
  std::set<Pair> seen;
  for (const auto& parts : contents) EXPECT_TRUE(seen.insert(key_of(parts)).second);
}

TEST(CudaKey, SmallNumbersNeverMeet) {
  std::set<uint64_t> high, low;
  size_t count = 0;
  for (uint64_t x = 0; x < 300; ++x)
    for (uint64_t y = 0; y < 300; ++y, ++count) {
      Key key;
      key.add(x);
      key.add(y << 32);
      high.insert(key.high), low.insert(key.low);
    }
  EXPECT_EQ(high.size(), count);
  EXPECT_EQ(low.size(), count);
}

struct Padded {
  char c;
  int64_t i;
};

TEST(CudaKey, PaddingDoesNotCount) {
  Padded a, b;
  std::memset(&a, 0, sizeof a);
  std::memset(&b, 0xff, sizeof b);
  a.c = b.c = 'x';
  a.i = b.i = 5;
  Key x, y;
  x.add(a), y.add(b);
  EXPECT_EQ(x, y);
  b.i = 6;
  Key z;
  z.add(b);
  EXPECT_FALSE(x == z);
}

}  // namespace
}  // namespace cw::test
