// Every adjustment on pictures too small for its neighbourhoods, and what must follow from the definitions.
// Values are held against Pillow and OpenCV in test/image/adjust.test.ts.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/error.h"
#include "image/adjust.h"

namespace cw {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes picture(int width, int height) {
  Bytes data;
  for (int i = 0; i < width * height * 3; ++i) data.push_back(static_cast<uint8_t>(i * 37 + i / 7));
  return data;
}

Bytes run(Bytes data, int width, int height, const std::vector<Adjustment>& adjustments) {
  for (const Adjustment& a : adjustments) check_adjustment(a);
  adjust({data.data(), width, height}, adjustments);
  return data;
}

/// Adjustments that leave a picture as it is.
const Adjustment kNothing[] = {{"posterize", {8}},   {"solarize", {256}},   {"color", {1}},       {"contrast", {1}},
                               {"sharpness", {1}},   {"rotate", {0}},       {"shear_x", {0}},     {"shear_y", {0}},
                               {"translate_x", {0}}, {"translate_y", {0}},  {"rotate_bilinear", {0}},
                               {"translate_x_bicubic", {0}}, {"translate_y_bicubic", {0}}};

const Adjustment kSomething[] = {{"posterize", {0}},    {"solarize", {0}},     {"autocontrast"},     {"equalize"},
                                 {"invert"},            {"color", {0}},        {"contrast", {7}},    {"sharpness", {3}},
                                 {"rotate", {33}},      {"shear_x", {-9}},     {"shear_y", {1e6}},   {"translate_x", {0.4}},
                                 {"translate_y", {-1e6}}, {"rotate_bilinear", {-15}}, {"translate_x_bicubic", {-0.4}},
                                 {"translate_y_bicubic", {0.4}}, {"hsv", {1.1, 1.7, 1.3}}, {"hsv", {0, 0, 1e6}}};

TEST(Adjust, LeavesAPictureAsItIs) {
  for (const Adjustment& a : kNothing) EXPECT_EQ(run(picture(7, 5), 7, 5, {a}), picture(7, 5)) << a.name;
}

TEST(Adjust, TakesPicturesOfAnySize) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 5}, {5, 1}, {2, 2}, {3, 2}, {17, 9}})
    for (const Adjustment& a : kSomething) EXPECT_EQ(run(picture(width, height), width, height, {a}).size(), width * height * 3u);
}

TEST(Adjust, MovesByWholePixels) {
  const Bytes src = picture(5, 4);
  const Bytes moved = run(src, 5, 4, {{"translate_x", {0.4}}});  // reads two pixels to the right
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x)
      for (int c = 0; c < 3; ++c)
        EXPECT_EQ(moved[(y * 5 + x) * 3 + c], x < 3 ? src[(y * 5 + x + 2) * 3 + c] : 128) << x << ", " << y;
}

TEST(Adjust, TurnsAQuarterCounterClockwise) {
  const Bytes src = picture(4, 4);
  for (const char* name : {"rotate", "rotate_bilinear"}) {
    const Bytes turned = run(src, 4, 4, {{name, {90}}});
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 4; ++x) EXPECT_EQ(turned[(y * 4 + x) * 3], src[(x * 4 + 3 - y) * 3]) << name;
  }
}

TEST(Adjust, RefusesWhatMakesNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Adjustment& a : {Adjustment{"blur", {1}}, {"posterize", {8.5}}, {"posterize", {-1}}, {"rotate", {nan}},
                              {"hsv", {1, 1, nan}}, {"color", {-1}}, {"shear_x", {2e6}}})
    EXPECT_THROW(check_adjustment(a), Error) << a.name;
}

}  // namespace
}  // namespace cw
