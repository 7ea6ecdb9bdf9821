#include "image/turn.h"

#include <cstddef>
#include <cstring>

namespace cw {
namespace {

constexpr ptrdiff_t kChannels = 3;

/// Where the first pixel of the result lies in the source, and how far its neighbours to the right and below are from it.
struct Walk {
  ptrdiff_t begin, right, down;
};

Walk walk_of(int orientation, ptrdiff_t w, ptrdiff_t h) {
  switch (orientation) {
    case 2: return {w - 1, -1, w};
    case 3: return {w * h - 1, -1, -w};
    case 4: return {w * (h - 1), 1, -w};
    case 5: return {0, w, 1};
    case 6: return {w * (h - 1), -w, 1};
    case 7: return {w * h - 1, -w, -1};
    case 8: return {w - 1, w, -1};
    default: return {0, 1, w};
  }
}

}  // namespace

void turn(const uint8_t* src, int width, int height, int orientation, uint8_t* dst) {
  const auto [begin, right, down] = walk_of(orientation, width, height);
  const bool exchanged = orientation >= 5;
  const int columns = exchanged ? height : width, rows = exchanged ? width : height;
  for (int y = 0; y < rows; ++y) {
    const uint8_t* s = src + (begin + y * down) * kChannels;
    for (int x = 0; x < columns; ++x, s += right * kChannels, dst += kChannels) std::memcpy(dst, s, kChannels);
  }
}

}  // namespace cw
