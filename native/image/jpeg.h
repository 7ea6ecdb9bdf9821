// JPEG to RGB by libjpeg-turbo, with the settings and thus the pixels of Pillow: the accurate inverse DCT, smooth upsampling
// of colours. A file that ends too early is an error, damage inside it is what the library makes of it, as in Pillow.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cw {

/// Grey or three components of 8 bits, sequential or progressive.
struct Jpeg {
  const uint8_t* data = nullptr;
  size_t size = 0;
  int shrink = 1;  // 1, 2, 4 or 8: pixels are means over so many a side, which the inverse DCT gives at less work
  int orientation = 1;  // EXIF's, as turn.h has it: of what is decoded
  int width = 0, height = 0;  // of what is decoded, shrunk (rounded up) and turned
};

/// RGB [height, width, 3] in memory of this thread, valid until its next call.
/// Throws Code::image where the file is none, is cut short, or has another size.
const uint8_t* decode_jpeg(const Jpeg& jpeg);

/// Throws invalid_argument where the numbers make no sense; reads no byte of the file.
void check_jpeg(const Jpeg& jpeg);

}  // namespace cw
