#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"

namespace cw {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel and 2 of overshoot leave this much of an int32
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);
constexpr double kSupport = 2.0;
constexpr int kChannels = 3;
constexpr int kLanes = 24;  // elements of a row at a time: a multiple of the channels and of the vector widths

uint8_t clip8(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

/// Keys' cubic with a = -1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
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
Taps make_taps(int size, float low, float high, int out, int out_first, int out_count) {
  const double scale = static_cast<double>(high - low) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kSupport * filter_scale;
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
    for (int k = 0; k < count; ++k) total += w[k] = bicubic((k + first - center + 0.5) * inverse);
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

/// Each weight once a channel, and rows of whole lanes: a horizontal sum becomes a product of two plain arrays.
struct WideTaps {
  int stride = 0;
  std::vector<int> first;   // in elements
  std::vector<int> blocks;  // of kLanes elements
  std::vector<int32_t> weight;
};

WideTaps widen(const Taps& taps) {
  WideTaps wide;
  wide.stride = (taps.stride * kChannels + kLanes - 1) / kLanes * kLanes;
  const size_t n = taps.first.size();
  wide.first.resize(n);
  wide.blocks.resize(n);
  wide.weight.resize(n * wide.stride);
  for (size_t i = 0; i < n; ++i) {
    wide.first[i] = taps.first[i] * kChannels;
    wide.blocks[i] = (taps.count[i] * kChannels + kLanes - 1) / kLanes;
    for (int k = 0; k < taps.count[i] * kChannels; ++k)
      wide.weight[i * wide.stride + k] = taps.weight[i * taps.stride + k / kChannels];
  }
  return wide;
}

using Ints = int32_t __attribute__((vector_size(32)));
using Bytes = uint8_t __attribute__((vector_size(8)));
constexpr int kVectors = kLanes / 8;

/// One row: src [width + kLanes / 3, 3] (readable to its padded end) → dst [taps, 3].
[[gnu::always_inline]] inline void horizontal_row(const uint8_t* src, const WideTaps& taps, uint8_t* dst) {
  const int n = static_cast<int>(taps.first.size());
  for (int i = 0; i < n; ++i) {
    const uint8_t* s = src + taps.first[i];
    const int32_t* w = &taps.weight[static_cast<size_t>(i) * taps.stride];
    Ints acc[kVectors] = {};
    for (int b = 0; b < taps.blocks[i]; ++b, s += kLanes, w += kLanes) {
      for (int v = 0; v < kVectors; ++v) {
        Bytes bytes;
        Ints weights;
        std::memcpy(&bytes, s + v * 8, sizeof bytes);
        std::memcpy(&weights, w + v * 8, sizeof weights);
        acc[v] += __builtin_convertvector(bytes, Ints) * weights;
      }
    }
    int32_t sum[kLanes];  // lane l belongs to channel l % 3
    std::memcpy(sum, acc, sizeof sum);
    for (int c = 0; c < kChannels; ++c) {
      int32_t total = kHalf;
      for (int l = c; l < kLanes; l += kChannels) total += sum[l];
      dst[i * kChannels + c] = clip8(total);
    }
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
using HorizontalRow = void (*)(const uint8_t*, const WideTaps&, uint8_t*);
using VerticalRow = void (*)(const uint8_t*, size_t, const int32_t*, int, int, uint8_t*);

void horizontal_row_plain(const uint8_t* src, const WideTaps& taps, uint8_t* dst) { horizontal_row(src, taps, dst); }
void vertical_row_plain(const uint8_t* src, size_t stride, const int32_t* weight, int count, int n, uint8_t* dst) {
  vertical_row(src, stride, weight, count, n, dst);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] void horizontal_row_avx2(const uint8_t* src, const WideTaps& taps, uint8_t* dst) {
  horizontal_row(src, taps, dst);
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

void mirror(uint8_t* row, int width) {
  for (int l = 0, r = width - 1; l < r; ++l, --r)
    for (int c = 0; c < kChannels; ++c) std::swap(row[l * kChannels + c], row[r * kChannels + c]);
}

void require(bool good, const std::string& what) {
  if (!good) throw Error(Code::invalid_argument, "[resize_bicubic] " + what);
}

std::string by(int width, int height) { return std::to_string(width) + " x " + std::to_string(height); }

/// Rows of RGB that belong to somebody else, or to `owned`.
struct Plane {
  const uint8_t* data = nullptr;
  size_t stride = 0;
  std::vector<uint8_t> owned;
};

/// rows × (source columns that the taps read, from src.data on) → rows × one pixel for each tap.
Plane horizontal_pass(const Plane& src, int rows, const Taps& taps, int src_width) {
  const WideTaps columns = widen(taps);
  const HorizontalRow run = pick_horizontal();
  Plane out;
  out.stride = taps.first.size() * kChannels;
  out.owned.resize(static_cast<size_t>(rows) * out.stride);
  const size_t bytes = static_cast<size_t>(src_width) * kChannels;
  std::vector<uint8_t> padded(bytes + kLanes);  // zero weights read past the row's end
  for (int y = 0; y < rows; ++y) {
    std::memcpy(padded.data(), src.data + y * src.stride, bytes);
    run(padded.data(), columns, &out.owned[y * out.stride]);
  }
  out.data = out.owned.data();
  return out;
}

/// (source rows that the taps read, from src.data on) × width → one row for each tap.
Plane vertical_pass(const Plane& src, int width, const Taps& taps) {
  const VerticalRow run = pick_vertical();
  Plane out;
  out.stride = static_cast<size_t>(width) * kChannels;
  out.owned.resize(taps.first.size() * out.stride);
  for (size_t y = 0; y < taps.first.size(); ++y)
    run(src.data + taps.first[y] * src.stride, src.stride, &taps.weight[y * taps.stride], taps.count[y],
        static_cast<int>(out.stride), &out.owned[y * out.stride]);
  out.data = out.owned.data();
  return out;
}

/// Positions counted from the first that is read.
void rebase(Taps& taps) {
  const int begin = taps.begin();
  for (int& first : taps.first) first -= begin;
}

/// Pillow 13 makes the vertical pass first where that shrinks a tall image much; the rounding between the passes shows
/// the order. Found by comparing results with Pillow 13.0 over random sizes; earlier versions begin horizontally.
bool vertical_first(const Resize& r) {
  return r.height > r.out_height && r.height - r.out_height > 2 * (r.width - r.out_width);
}

}  // namespace

void check_resize(const Resize& r) {
  constexpr int kLargest = 1 << 24;  // beyond it the box's float coordinates could not name every pixel
  require(r.width > 0 && r.height > 0 && r.width <= kLargest && r.height <= kLargest,
          "expected a source of 1 to 2^24 pixels a side, got " + by(r.width, r.height));
  require(r.out_width > 0 && r.out_height > 0 && r.out_width <= kLargest && r.out_height <= kLargest,
          "expected a result of 1 to 2^24 pixels a side, got " + by(r.out_width, r.out_height));
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

void resize_bicubic(const Resize& r) {
  check_resize(r);
  float box[4];
  std::copy(r.box.begin(), r.box.end(), box);
  const Window& window = r.window;
  // A pass that would change nothing is left out, as Pillow leaves it out: no rounding between.
  const bool horizontal = r.out_width != r.width || box[0] != 0 || box[2] != static_cast<float>(r.out_width);
  const bool vertical = r.out_height != r.height || box[1] != 0 || box[3] != static_cast<float>(r.out_height);
  Taps columns, rows;
  int left = window.left, top = window.top, width = window.width, height = window.height;  // of the source's needed part
  if (horizontal) {
    columns = make_taps(r.width, box[0], box[2], r.out_width, window.left, window.width);
    left = columns.begin(), width = columns.end() - left;
    rebase(columns);
  }
  if (vertical) {
    rows = make_taps(r.height, box[1], box[3], r.out_height, window.top, window.height);
    top = rows.begin(), height = rows.end() - top;
    rebase(rows);
  }
  Plane plane{.data = r.src + (static_cast<size_t>(top) * r.width + left) * kChannels,
              .stride = static_cast<size_t>(r.width) * kChannels};
  if (vertical && horizontal && vertical_first(r)) {
    plane = vertical_pass(plane, width, rows);
    plane = horizontal_pass(plane, window.height, columns, width);
  } else {
    if (horizontal) plane = horizontal_pass(plane, height, columns, width);
    if (vertical) plane = vertical_pass(plane, window.width, rows);
  }
  const size_t row_bytes = static_cast<size_t>(window.width) * kChannels;
  for (int y = 0; y < window.height; ++y) {
    uint8_t* dst = r.dst + y * row_bytes;
    std::memcpy(dst, plane.data + y * plane.stride, row_bytes);
    if (r.mirrored) mirror(dst, window.width);
  }
}

}  // namespace cw
