// Known answers of Philox4x32-10 from Random123's kat_vectors. Our counter is (index, stream), our key is the seed, low
// words first.
#include "core/philox.h"

#include <gtest/gtest.h>

namespace cw::test {
namespace {

struct KnownAnswer {
  uint32_t counter[4], key[2], answer[4];
};

constexpr KnownAnswer kAnswers[] = {
    {{0x00000000, 0x00000000, 0x00000000, 0x00000000},
     {0x00000000, 0x00000000},
     {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

uint64_t both(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

TEST(Philox, GivesThePublishedAnswers) {
  for (const KnownAnswer& a : kAnswers) {
    const Philox4 got = philox(both(a.key[0], a.key[1]), both(a.counter[2], a.counter[3]), both(a.counter[0], a.counter[1]));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got.v[i], a.answer[i]) << i;
  }
}

TEST(Philox, UnitFloatsNeverTouchTheEnds) {
  EXPECT_EQ(unit_float(0), 0x1p-24f);
  EXPECT_LT(unit_float(0xffffffffu), 1.0f);
  EXPECT_EQ(unit_float(0x80000000u), 0.5f + 0x1p-24f);
}

}  // namespace
}  // namespace cw::test
