// Pictures moved, sheared and turned within their frame, on grey.
#pragma once
#include <array>

#include "image/picture.h"

namespace cw {

enum class Filter {
  nearest,   // as Pillow, in its 16 bits of fraction
  bilinear,  // pixels beyond the frame are grey, as OpenCV's constant border
  bicubic,   // as Pillow: Keys' cubic with a = -1; beyond the frame the last pixel goes on
};

/// a, b, c, d, e, f: the pixel at (x, y), counted from its centre, becomes what is at (ax + by + c, dx + ey + f).
using Matrix = std::array<double, 6>;

constexpr uint8_t kGrey = 128;

/// What comes from beyond the frame is grey.
void transform(const Picture& p, const Matrix& m, Filter filter);

/// Turns counter-clockwise about the centre.
Matrix rotation(const Picture& p, double degrees);

}  // namespace cw
