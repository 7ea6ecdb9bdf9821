// Pictures turned and mirrored as EXIF's orientation says.
#pragma once
#include <cstdint>

namespace cw {

/// src RGB [height, width, 3] → dst, whose sides are exchanged for 5 to 8. 1 as it is, 2 mirrored, 3 half a turn, 4 upside
/// down, 5 transposed, 6 a quarter turn clockwise, 7 transposed about the other diagonal, 8 a quarter turn counter-clockwise.
void turn(const uint8_t* src, int width, int height, int orientation, uint8_t* dst);

}  // namespace cw
