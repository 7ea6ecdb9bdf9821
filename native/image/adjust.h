// Changes of a picture by name, one after another: the vocabulary of augmentation policies.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "image/picture.h"

namespace cw {

/// Names and values (unused ones are 0):
/// posterize: bits; solarize: threshold; autocontrast, equalize, invert: none;
/// color, contrast, sharpness: factor, 1 leaves the picture as it is;
/// rotate (nearest), rotate_bilinear: degrees counter-clockwise;
/// shear_x, shear_y: slope; translate_x, translate_y (nearest), and their _bicubic forms: fraction of the side;
/// hsv: factors on hue, saturation and value.
struct Adjustment {
  std::string name;
  std::array<double, 3> values{};
};

/// Throws invalid_argument for a name that is not there or a value that makes no sense.
void check_adjustment(const Adjustment& a);

/// In order and in place; adjustments that check_adjustment lets pass. Single-threaded; many may run at once.
void adjust(const Picture& p, const std::vector<Adjustment>& adjustments);

}  // namespace cw
