// Conversions to and from the 16-bit types, over all their values and around every tie.
#include "core/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cw::test {
namespace {

constexpr uint32_t kAll = 1u << 16;

TEST(Bf16, EveryValueSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    const bf16 x{static_cast<uint16_t>(bits)};
    if (std::isnan(to_float(x)))
      ASSERT_TRUE(std::isnan(to_float(to_bf16(to_float(x))))) << bits;
    else
      ASSERT_EQ(to_bf16(to_float(x)).bits, bits);
  }
}

TEST(F16, EveryValueSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    const f16 x{static_cast<uint16_t>(bits)};
    if (std::isnan(to_float(x)))
      ASSERT_TRUE(std::isnan(to_float(to_f16(to_float(x))))) << bits;
    else
      ASSERT_EQ(to_f16(to_float(x)).bits, bits);
  }
}

/// sign · 2^(e-15) · 1.fraction, or 2^-14 · 0.fraction, by IEEE 754's own words.
TEST(F16, EveryValueIsWhatItsBitsSay) {
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    if (exponent == 31) continue;
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    ASSERT_EQ(to_float(f16{static_cast<uint16_t>(bits)}), bits & 0x8000 ? -magnitude : magnitude) << bits;
  }
  EXPECT_EQ(to_float(f16{0x7c00}), std::numeric_limits<float>::infinity());
  EXPECT_EQ(to_float(f16{0xfc00}), -std::numeric_limits<float>::infinity());
}

/// Between each value and the next: the middle goes to the even one, either side of it to the nearer one.
template <class T, class Round>
void expect_nearest_even(uint32_t first_not_finite, Round round) {
  for (uint32_t bits = 0; bits + 1 < first_not_finite; ++bits) {
    const float low = to_float(T{static_cast<uint16_t>(bits)}), high = to_float(T{static_cast<uint16_t>(bits + 1)});
    const float middle = low + (high - low) / 2;
    if (middle == low || middle == high) continue;  // bf16's smallest subnormals have no float between them
    const uint32_t even = bits + (bits & 1);
    ASSERT_EQ(round(middle).bits, even) << bits;
    ASSERT_EQ(round(std::nextafter(middle, low)).bits, bits) << bits;
    ASSERT_EQ(round(std::nextafter(middle, high)).bits, bits + 1) << bits;
    ASSERT_EQ(round(-middle).bits, even | 0x8000) << bits;
  }
}

TEST(Bf16, RoundsToNearestEven) {
  expect_nearest_even<bf16>(0x7f80, [](float x) { return to_bf16(x); });
}

TEST(F16, RoundsToNearestEven) {
  expect_nearest_even<f16>(0x7c00, [](float x) { return to_f16(x); });
}

TEST(Bf16, OverflowsToInfinity) {
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(to_bf16(-std::numeric_limits<float>::infinity()).bits, 0xff80);
}

TEST(F16, OverflowsToInfinityFrom65520) {
  EXPECT_EQ(to_f16(std::nextafter(65520.0f, 0.0f)).bits, 0x7bff);
  EXPECT_EQ(to_f16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_f16(-1e30f).bits, 0xfc00);
}

}  // namespace
}  // namespace cw::test
