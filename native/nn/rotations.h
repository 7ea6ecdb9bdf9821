// Angles of rotary positions over a square of patches. Source: timm pos_embed_sincos.py build_rotary_pos_embed, its "cat" form.
#pragma once
#include <cstdint>
#include <vector>

namespace cw {

struct SquareRotations {
  int64_t before = 0;          // rows before the patches', which do not turn
  int64_t grid = 0;            // side of the square in patches
  int64_t channels = 0;        // of a head; a multiple of four
  int64_t reference_grid = 0;  // side of the square whose places are counted: the same picture has the same angles on any grid
  int64_t first_place = 0;     // what places are counted from
  bool columns_first = false;
};

/// [before + grid², channels], row-major, as the table of ops/rotary.h: cosines of a row's channels/2 angles, then their sines.
/// Of a patch, a quarter of the channels' angles are place / 10000^(i / (channels/4)) of its row, then as many of its column, or
/// the reverse; place = (n + first_place) / grid · reference_grid.
std::vector<float> square_rotations(const SquareRotations& of);

}  // namespace cw
