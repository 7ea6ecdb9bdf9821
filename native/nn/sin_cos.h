// Positions of a square of patches as waves. Source: open_clip pos_embed.py get_2d_sincos_pos_embed.
#pragma once
#include <cstdint>
#include <vector>

namespace cw {

/// [1 + grid², width], row-major: zeros for the class token; of a patch sine and cosine of its column's place, then of its
/// row's. width must be a multiple of four, and rows one more than a square.
std::vector<float> sin_cos_positions(int64_t rows, int64_t width);

}  // namespace cw
