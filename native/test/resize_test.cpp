// Results of Pillow 13.0.0 for a picture that a formula makes, and what must follow from the definition.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "image/resize.h"

namespace cw {
namespace {

using Bytes = std::vector<uint8_t>;

/// [height, width, channels]
Bytes picture(int width, int height, int channels = 3) {
  Bytes data;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) data.push_back(static_cast<uint8_t>(x * 37 + y * 101 + c * 59 + x * y * 7));
  return data;
}

Resize whole(const Bytes& src, int width, int height, int out_width, int out_height) {
  return {.src = src.data(),
          .width = width,
          .height = height,
          .box = {0, 0, static_cast<double>(width), static_cast<double>(height)},
          .out_width = out_width,
          .out_height = out_height,
          .window = {0, 0, out_width, out_height}};
}

Bytes run(Resize r) {
  Bytes out(static_cast<size_t>(r.window.width) * r.window.height * 3);
  r.dst = out.data();
  resize(r);
  return out;
}

uint64_t fnv1a(const Bytes& data) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint8_t byte : data) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

TEST(Resize, EqualsPillowByteForByte) {
  const Bytes src = picture(5, 4);
  EXPECT_EQ(run(whole(src, 5, 4, 3, 2)),
            (Bytes{84, 115, 121, 131, 157, 130, 124, 136, 111, 149, 91, 137, 147, 144, 114, 115, 112, 109}));
}

struct Golden {
  int width, height;
  std::array<double, 4> box;
  int out_width, out_height;
  uint64_t hash;
};

class ResizeGolden : public testing::TestWithParam<Golden> {};

TEST_P(ResizeGolden, EqualsPillow) {
  const Golden& g = GetParam();
  const Bytes src = picture(g.width, g.height);
  Resize r = whole(src, g.width, g.height, g.out_width, g.out_height);
  r.box = g.box;
  EXPECT_EQ(fnv1a(run(r)), g.hash);
}

INSTANTIATE_TEST_SUITE_P(
    Pillow13, ResizeGolden,
    testing::Values(Golden{97, 61, {0, 0, 97, 61}, 48, 32, 0x9061b1a6042c8277u},
                    Golden{97, 61, {0, 0, 97, 61}, 200, 131, 0x1d551dfbc6cc2c48u},
                    Golden{37, 211, {0, 0, 37, 211}, 32, 182, 0x90fd42c8ea75312cu},  // vertical pass first
                    Golden{61, 300, {0, 0, 61, 300}, 61, 40, 0x00f24f4ae27542e3u},   // vertical pass only
                    Golden{300, 41, {0, 0, 300, 41}, 50, 41, 0x3b8d322531e69458u},   // horizontal pass only
                    Golden{80, 60, {10.25, 3.5, 71.75, 58.125}, 32, 32, 0xae6a7309953b1424u},
                    Golden{80, 60, {0.1, 0, 79.9, 60}, 80, 60, 0xc361b1dfaed8fdd2u},
                    Golden{1, 38, {0, 0, 1, 38}, 64, 2432, 0x89c4e4415bc5bd65u},
                    Golden{64, 64, {0, 0, 64, 64}, 64, 64, 0x0028e5357eb6eca5u},
                    Golden{50, 120, {3.3, 0, 50, 120}, 60, 30, 0xfe3232617faeb86bu},  // vertical first, with a box
                    Golden{2, 2, {0, 0, 2, 2}, 1, 1, 0xe7f57a1995df55c3u}));

struct Kind {
  ResizeFilter filter;
  int channels, width, height;
  std::array<double, 4> box;
  int out_width, out_height;
  uint64_t hash;
};

class ResizeKind : public testing::TestWithParam<Kind> {};

TEST_P(ResizeKind, EqualsPillow) {
  const Kind& k = GetParam();
  const Bytes src = picture(k.width, k.height, k.channels);
  Resize r = whole(src, k.width, k.height, k.out_width, k.out_height);
  r.channels = k.channels;
  r.filter = k.filter;
  r.box = k.box;
  const Bytes all = run(r);
  EXPECT_EQ(fnv1a(all), k.hash);
  // A window is that part of the whole, whatever the filter.
  r.window = {3, 2, 5, 7};
  const Bytes part = run(r);
  for (int y = 0; y < 7; ++y)
    for (int i = 0; i < 15; ++i) EXPECT_EQ(part[y * 15 + i], all[((y + 2) * k.out_width + 3) * 3 + i]);
}

INSTANTIATE_TEST_SUITE_P(
    Pillow13, ResizeKind,
    testing::Values(Kind{ResizeFilter::bilinear, 3, 97, 61, {0, 0, 97, 61}, 48, 32, 0xc7c35b83a6fe8691u},
                    Kind{ResizeFilter::bilinear, 3, 37, 211, {0, 0, 37, 211}, 32, 182, 0x0b84ab676bc81aa6u},
                    Kind{ResizeFilter::bilinear, 3, 80, 60, {10.25, 3.5, 71.75, 58.125}, 32, 32, 0x37aff59d304e59a1u},
                    Kind{ResizeFilter::bilinear, 3, 20, 11, {0, 0, 20, 11}, 200, 131, 0x8cea0a20b24d0e07u},
                    Kind{ResizeFilter::nearest, 3, 97, 61, {0, 0, 97, 61}, 48, 32, 0xc83a30f26c830665u},
                    Kind{ResizeFilter::nearest, 3, 20, 11, {0, 0, 20, 11}, 200, 131, 0x5130d717681b8d45u},
                    Kind{ResizeFilter::nearest, 3, 80, 60, {10.25, 3.5, 71.75, 58.125}, 32, 32, 0xb41d8a30f2ac8fdbu},
                    Kind{ResizeFilter::bicubic, 4, 97, 61, {0, 0, 97, 61}, 48, 32, 0xe4b3455f3aacd95au},
                    Kind{ResizeFilter::bilinear, 4, 97, 61, {0, 0, 97, 61}, 48, 32, 0x6bf4dd915afc5b59u},
                    Kind{ResizeFilter::bicubic, 4, 30, 20, {0, 0, 30, 20}, 30, 20, 0x6c0e96ad0353b6f9u},
                    Kind{ResizeFilter::bicubic, 4, 20, 11, {0, 0, 20, 11}, 200, 131, 0xaaf8b88d760664e6u}));

TEST(Resize, SameSizeIsACopy) {
  const Bytes src = picture(13, 7);
  EXPECT_EQ(run(whole(src, 13, 7, 13, 7)), src);
}

TEST(Resize, WindowIsThatPartOfTheWholeAndMirroredExchangesItsSides) {
  for (const auto [width, height, out_width, out_height] :
       {std::array{40, 30, 17, 23}, {21, 90, 19, 20}, {9, 9, 30, 9}, {9, 33, 9, 12}, {12, 11, 12, 11}}) {
    const Bytes src = picture(width, height);
    Resize r = whole(src, width, height, out_width, out_height);
    const Bytes all = run(r);
    r.window = {2, 3, out_width - 5, out_height - 4};
    const Bytes part = run(r);
    r.mirrored = true;
    const Bytes mirrored = run(r);
    const auto& w = r.window;
    for (int y = 0; y < w.height; ++y)
      for (int x = 0; x < w.width; ++x)
        for (int c = 0; c < 3; ++c) {
          const uint8_t expected = all[((y + w.top) * out_width + x + w.left) * 3 + c];
          ASSERT_EQ(part[(y * w.width + x) * 3 + c], expected) << width << "x" << height << " at " << x << ", " << y;
          ASSERT_EQ(mirrored[(y * w.width + w.width - 1 - x) * 3 + c], expected);
        }
  }
}

TEST(Resize, WritesNothingBesideItsWindow) {
  const Bytes src = picture(31, 22);
  Resize r = whole(src, 31, 22, 11, 13);
  Bytes out(11 * 13 * 3 + 2 * 64, 0xa5);
  r.dst = out.data() + 64;
  resize(r);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(out[i], 0xa5);
    EXPECT_EQ(out[out.size() - 1 - i], 0xa5);
  }
}

TEST(Resize, RefusesWhatMakesNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Bytes src = picture(8, 6);
  const Resize good = whole(src, 8, 6, 4, 4);
  std::vector<Resize> bad(11, good);
  bad[0].width = 0;
  bad[1].height = -1;
  bad[2].out_width = 0;
  bad[3].out_height = (1 << 24) + 1;
  bad[4].box = {nan, 0, 8, 6};
  bad[5].box = {0, 0, 8, nan};
  bad[6].box = {0, 0, 8.5, 6};
  bad[7].box = {-0.5, 0, 8, 6};
  bad[8].box = {3, 0, 3, 6};
  bad[9].window = {0, 0, 5, 4};
  bad[10].window = {-1, 0, 4, 4};
  EXPECT_NO_THROW(check_resize(good));
  for (size_t i = 0; i < bad.size(); ++i) {
    try {
      check_resize(bad[i]);
      ADD_FAILURE() << "case " << i << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code, Code::invalid_argument) << "case " << i;
    }
  }
}

}  // namespace
}  // namespace cw
