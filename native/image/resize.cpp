#include "image/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "image/passes.h"
#include "image/premultiplied.h"
#include "image/scale_nearest.h"

namespace cw {
namespace {

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
