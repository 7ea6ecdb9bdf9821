#include "image/scale_nearest.h"

#include <cstring>
#include <vector>

namespace cw {
namespace {

/// The source position of each of `count` outputs from `first` on. Sums up as Pillow does: a product would round otherwise.
std::vector<int> positions(int size, double low, double high, int out, int first, int count) {
  const double step = (high - low) / out;
  std::vector<int> at;
  double x = low + step * 0.5;
  for (int i = 0; i < first + count; ++i, x += step)
    if (i >= first) at.push_back(x < size ? static_cast<int>(x) : size - 1);
  return at;
}

}  // namespace

void scale_nearest(const Resize& r) {
  const Window& w = r.window;
  const std::vector<int> columns = positions(r.width, r.box[0], r.box[2], r.out_width, w.left, w.width);
  const std::vector<int> rows = positions(r.height, r.box[1], r.box[3], r.out_height, w.top, w.height);
  const size_t stride = r.stride > 0 ? r.stride : static_cast<size_t>(r.width) * r.channels;
  uint8_t* dst = r.dst;
  for (const int y : rows)
    for (const int x : columns) {
      std::memcpy(dst, r.src + y * stride + static_cast<size_t>(x) * r.channels, 3);
      dst += 3;
    }
}

}  // namespace cw
