#include "image/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "image/premultiplied.h"
#include "image/scale_nearest.h"

namespace cw {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel and 2 of overshoot leave this much of an int32
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);
constexpr int kChannels = 3;

uint8_t clip8(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

/// Keys' cubic with a = -1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

/// A triangle.
double bilinear(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// How far from its centre, in pixels of the smaller picture, a filter reads, and with which weights.
struct Kernel {
  double support;
  double (*weight)(double);
};
Kernel kernel_of(ResizeFilter filter) {
  return filter == ResizeFilter::bilinear ? Kernel{1.0, bilinear} : Kernel{2.0, bicubic};
}

/// For each output position of one axis, the source positions that it reads and their weights in fixed point.
struct Taps {
  int stride = 0;  // weights of output i start at i * stride; unused ones are zero
  std::vector<int> first;
  std::vector<int> count;
  std::vector<int32_t> weight;

  int begin() const { return first.front(); }
  int end() const { return first.back() + count.back(); }
};

/// Outputs out_first .. out_first + out_count of `out` that cover low .. high of a source axis. low and high are float
/// and subtracted as such because Pillow does so: the last bit of a weight depends on it.
Taps make_taps(const Kernel& kernel, int size, float low, float high, int out, int out_first, int out_count) {
  const double scale = static_cast<double>(high - low) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  const double inverse = 1.0 / filter_scale;
  Taps taps;
  taps.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  taps.first.resize(out_count);
  taps.count.resize(out_count);
  taps.weight.resize(static_cast<size_t>(out_count) * taps.stride);
  std::vector<double> w(taps.stride);
  for (int i = 0; i < out_count; ++i) {
    const double center = low + (out_first + i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), size) - first;
    double total = 0.0;
    for (int k = 0; k < count; ++k) total += w[k] = kernel.weight((k + first - center + 0.5) * inverse);
    int32_t* fixed = &taps.weight[static_cast<size_t>(i) * taps.stride];
    for (int k = 0; k < count; ++k) {
      const double normal = (total != 0.0 ? w[k] / total : w[k]) * (1 << kPrecisionBits);
      fixed[k] = static_cast<int32_t>(normal < 0 ? normal - 0.5 : normal + 0.5);
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}

/// Horizontal sums take two pixels at a time, each as four int32 (the fourth idle), so channels never change lanes.
using Ints = int32_t __attribute__((vector_size(32)));
constexpr int kSlots = 4;
constexpr int kPair = 2 * kSlots;

/// Taps with each weight once a slot.
struct WideTaps {
  int stride = 0;
  std::vector<int> first;  // from the first column that any output reads
  std::vector<int> pairs;
  std::vector<int32_t> weight;
};

WideTaps widen(const Taps& taps) {
  WideTaps wide;
  const size_t n = taps.first.size();
  wide.stride = (taps.stride + 1) / 2 * kPair;
  wide.first.resize(n);
  wide.pairs.resize(n);
  wide.weight.resize(n * wide.stride);
  for (size_t i = 0; i < n; ++i) {
    wide.first[i] = taps.first[i] - taps.begin();
    wide.pairs[i] = (taps.count[i] + 1) / 2;
    for (int k = 0; k < taps.count[i]; ++k)
      std::fill_n(&wide.weight[i * wide.stride + k * kSlots], kSlots, taps.weight[i * taps.stride + k]);
  }
  return wide;
}

/// One row: src [width, 3] → dst [taps, 3]. `row` has room for width + 1 pixels of four: an odd last pair reads on.
[[gnu::always_inline]] inline void horizontal_row(const uint8_t* src, int width, const WideTaps& taps, int32_t* row,
                                                  uint8_t* dst) {
  for (int x = 0; x < width; ++x)  // widened once here: every pixel has several readers
    for (int c = 0; c < kChannels; ++c) row[x * kSlots + c] = src[x * kChannels + c];
  const int outputs = static_cast<int>(taps.first.size());
  for (int i = 0; i < outputs; ++i, dst += kChannels) {
    const int32_t* s = row + static_cast<size_t>(taps.first[i]) * kSlots;
    const int32_t* w = &taps.weight[static_cast<size_t>(i) * taps.stride];
    Ints sum = {};
    for (int k = 0; k < taps.pairs[i]; ++k, s += kPair, w += kPair) {
      Ints pixels, weights;
      std::memcpy(&pixels, s, sizeof pixels);
      std::memcpy(&weights, w, sizeof weights);
      sum += pixels * weights;
    }
    for (int c = 0; c < kChannels; ++c) dst[c] = clip8(kHalf + sum[c] + sum[kSlots + c]);
  }
}

/// One output row: `count` rows of `n` elements, `stride` apart → dst [n].
[[gnu::always_inline]] inline void vertical_row(const uint8_t* src, size_t stride, const int32_t* weight, int count,
                                                int n, uint8_t* dst) {
  constexpr int kBlock = 64;
  for (int first = 0; first < n; first += kBlock) {
    const int width = std::min(kBlock, n - first);
    int32_t acc[kBlock];
    for (int i = 0; i < kBlock; ++i) acc[i] = kHalf;
    const uint8_t* s = src + first;
    if (width == kBlock) {
      for (int k = 0; k < count; ++k, s += stride)
        for (int i = 0; i < kBlock; ++i) acc[i] += s[i] * weight[k];
    } else {
      for (int k = 0; k < count; ++k, s += stride)
        for (int i = 0; i < width; ++i) acc[i] += s[i] * weight[k];
    }
    for (int i = 0; i < width; ++i) dst[first + i] = clip8(acc[i]);
  }
}

// The same loops for machines with AVX2 and for all others: whole numbers, so the results cannot differ.
using HorizontalRow = void (*)(const uint8_t*, int, const WideTaps&, int32_t*, uint8_t*);
using VerticalRow = void (*)(const uint8_t*, size_t, const int32_t*, int, int, uint8_t*);

void horizontal_row_plain(const uint8_t* src, int width, const WideTaps& taps, int32_t* row, uint8_t* dst) {
  horizontal_row(src, width, taps, row, dst);
}
void vertical_row_plain(const uint8_t* src, size_t stride, const int32_t* weight, int count, int n, uint8_t* dst) {
  vertical_row(src, stride, weight, count, n, dst);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] void horizontal_row_avx2(const uint8_t* src, int width, const WideTaps& taps, int32_t* row,
                                                 uint8_t* dst) {
  horizontal_row(src, width, taps, row, dst);
}
[[gnu::target("avx2")]] void vertical_row_avx2(const uint8_t* src, size_t stride, const int32_t* weight, int count,
                                               int n, uint8_t* dst) {
  vertical_row(src, stride, weight, count, n, dst);
}
bool has_avx2() { return __builtin_cpu_supports("avx2"); }
HorizontalRow pick_horizontal() { return has_avx2() ? horizontal_row_avx2 : horizontal_row_plain; }
VerticalRow pick_vertical() { return has_avx2() ? vertical_row_avx2 : vertical_row_plain; }
#else
HorizontalRow pick_horizontal() { return horizontal_row_plain; }
VerticalRow pick_vertical() { return vertical_row_plain; }
#endif

/// Rows of RGB pixels, `stride` bytes apart.
struct Plane {
  const uint8_t* data;
  size_t stride;
  int width;
  int height;

  const uint8_t* row(int y) const { return data + y * stride; }
};

/// src [h, w, 3], w the columns that the taps read → dst [h, taps, 3].
void horizontal_pass(const Plane& src, const Taps& taps, uint8_t* dst) {
  const WideTaps wide = widen(taps);
  const HorizontalRow run = pick_horizontal();
  std::vector<int32_t> row((static_cast<size_t>(src.width) + 1) * kSlots);
  for (int y = 0; y < src.height; ++y, dst += taps.first.size() * kChannels)
    run(src.row(y), src.width, wide, row.data(), dst);
}

/// src [h, w, 3], h the rows that the taps read → dst [taps, w, 3].
void vertical_pass(const Plane& src, const Taps& taps, uint8_t* dst) {
  const VerticalRow run = pick_vertical();
  const int n = src.width * kChannels;
  for (size_t i = 0; i < taps.first.size(); ++i, dst += n)
    run(src.row(taps.first[i] - taps.begin()), src.stride, &taps.weight[i * taps.stride], taps.count[i], n, dst);
}

void copy(const Plane& src, uint8_t* dst) {
  const size_t bytes = static_cast<size_t>(src.width) * kChannels;
  for (int y = 0; y < src.height; ++y, dst += bytes) std::memcpy(dst, src.row(y), bytes);
}

void mirror(uint8_t* data, int width, int height) {
  for (int y = 0; y < height; ++y, data += static_cast<size_t>(width) * kChannels)
    for (int l = 0, r = width - 1; l < r; ++l, --r)
      std::swap_ranges(data + l * kChannels, data + (l + 1) * kChannels, data + r * kChannels);
}

void require(bool good, const std::string& what) {
  if (!good) throw Error(Code::invalid_argument, "[resize] " + what);
}

std::string by(int width, int height) { return std::to_string(width) + " x " + std::to_string(height); }

}  // namespace

void check_resize(const Resize& r) {
  constexpr int kLargest = 1 << 24;  // beyond it the box's float coordinates could not name every pixel
  require(r.width > 0 && r.height > 0 && r.width <= kLargest && r.height <= kLargest,
          "expected a source of 1 to 2^24 pixels a side, got " + by(r.width, r.height));
  require(r.out_width > 0 && r.out_height > 0 && r.out_width <= kLargest && r.out_height <= kLargest,
          "expected a result of 1 to 2^24 pixels a side, got " + by(r.out_width, r.out_height));
  require(r.channels == 3 || r.channels == 4, "expected 3 or 4 channels, got " + std::to_string(r.channels));
  require(r.stride == 0 || r.stride >= static_cast<size_t>(r.width) * r.channels,
          "expected rows of at least " + std::to_string(r.width * r.channels) + " bytes, got a stride of " + std::to_string(r.stride));
  const auto [left, top, right, bottom] = r.box;
  // Written so that NaN fails.
  require(left >= 0 && top >= 0 && right <= r.width && bottom <= r.height && left < right && top < bottom,
          "expected a box that is not empty and lies inside the source of " + by(r.width, r.height) + ", got [" +
              std::to_string(left) + ", " + std::to_string(top) + ", " + std::to_string(right) + ", " +
              std::to_string(bottom) + "]");
  const Window& w = r.window;
  require(w.left >= 0 && w.top >= 0 && w.width > 0 && w.height > 0 && w.width <= r.out_width - w.left &&
              w.height <= r.out_height - w.top,
          "expected a window that is not empty and lies inside the result of " + by(r.out_width, r.out_height) +
              ", got " + by(w.width, w.height) + " at (" + std::to_string(w.left) + ", " + std::to_string(w.top) + ")");
}

namespace {

/// Bicubic and bilinear, of RGB.
void resample(const Resize& r) {
  float box[4];
  std::copy(r.box.begin(), r.box.end(), box);
  // A pass that would change nothing is left out, as Pillow leaves it out: no rounding between.
  const bool horizontal = r.out_width != r.width || box[0] != 0 || box[2] != static_cast<float>(r.out_width);
  const bool vertical = r.out_height != r.height || box[1] != 0 || box[3] != static_cast<float>(r.out_height);
  // Each pass rounds, so their order shows. Pillow 13 (pull request 9549) chooses it by the sizes alone, not by the box.
  const bool vertical_first = r.height > r.out_height && r.height - r.out_height > (r.width - r.out_width) * 2;

  const Window& w = r.window;
  const Kernel kernel = kernel_of(r.filter);
  const Taps columns = horizontal ? make_taps(kernel, r.width, box[0], box[2], r.out_width, w.left, w.width) : Taps{};
  const Taps rows = vertical ? make_taps(kernel, r.height, box[1], box[3], r.out_height, w.top, w.height) : Taps{};
  // The first pass does only what the second one reads.
  const int x0 = horizontal ? columns.begin() : w.left, x1 = horizontal ? columns.end() : w.left + w.width;
  const int y0 = vertical ? rows.begin() : w.top, y1 = vertical ? rows.end() : w.top + w.height;
  const size_t src_stride = r.stride > 0 ? r.stride : static_cast<size_t>(r.width) * kChannels;
  const Plane source{r.src + y0 * src_stride + static_cast<size_t>(x0) * kChannels, src_stride, x1 - x0, y1 - y0};

  std::vector<uint8_t> between;
  if (horizontal && vertical && vertical_first) {
    between.resize(static_cast<size_t>(source.width) * w.height * kChannels);
    vertical_pass(source, rows, between.data());
    horizontal_pass({between.data(), static_cast<size_t>(source.width) * kChannels, source.width, w.height}, columns,
                    r.dst);
  } else if (horizontal && vertical) {
    between.resize(static_cast<size_t>(w.width) * source.height * kChannels);
    horizontal_pass(source, columns, between.data());
    vertical_pass({between.data(), static_cast<size_t>(w.width) * kChannels, w.width, source.height}, rows, r.dst);
  } else if (horizontal) {
    horizontal_pass(source, columns, r.dst);
  } else if (vertical) {
    vertical_pass(source, rows, r.dst);
  } else {
    copy(source, r.dst);
  }
}

}  // namespace

void resize(const Resize& r) {
  check_resize(r);
  const bool unchanged = r.out_width == r.width && r.out_height == r.height &&
                         r.box == std::array<double, 4>{0, 0, static_cast<double>(r.width), static_cast<double>(r.height)};
  // Pillow copies what keeps its size: multiplied by alpha and divided again, colours would not be what they were.
  if (r.filter == ResizeFilter::nearest || (r.channels == 4 && unchanged)) scale_nearest(r);
  else if (r.channels == 4) resize_premultiplied(r, resample);
  else resample(r);
  if (r.mirrored) mirror(r.dst, r.window.width, r.window.height);
}

}  // namespace cw
