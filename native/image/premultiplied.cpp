#include "image/premultiplied.h"

#include <algorithm>
#include <vector>

namespace cw {
namespace {

/// a · b / 255, rounded: Pillow's MULDIV255.
uint8_t product(int a, int b) {
  const int t = a * b + 128;
  return static_cast<uint8_t>(((t >> 8) + t) >> 8);
}

}  // namespace

void resize_premultiplied(const Resize& r, void (*resample)(const Resize&)) {
  const size_t stride = r.stride > 0 ? r.stride : static_cast<size_t>(r.width) * 4;
  const size_t bytes = static_cast<size_t>(r.width) * r.height * 3;
  // Alpha is resized as a picture of its own, three times the same: channels do not mix.
  std::vector<uint8_t> colours(bytes), alphas(bytes);
  for (int y = 0; y < r.height; ++y) {
    const uint8_t* row = r.src + y * stride;
    const size_t first = static_cast<size_t>(y) * r.width * 3;
    for (int x = 0; x < r.width; ++x)
      for (int c = 0; c < 3; ++c) {
        colours[first + x * 3 + c] = product(row[x * 4 + c], row[x * 4 + 3]);
        alphas[first + x * 3 + c] = row[x * 4 + 3];
      }
  }
  const size_t results = static_cast<size_t>(r.window.width) * r.window.height * 3;
  std::vector<uint8_t> alpha(results);
  Resize part = r;
  part.channels = 3;
  part.stride = 0;
  part.src = alphas.data();
  part.dst = alpha.data();
  resample(part);
  part.src = colours.data();
  part.dst = r.dst;
  resample(part);
  for (size_t i = 0; i < results; ++i)
    if (alpha[i] != 0 && alpha[i] != 255)
      r.dst[i] = static_cast<uint8_t>(std::min(255 * r.dst[i] / alpha[i], 255));
}

}  // namespace cw
