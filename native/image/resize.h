// Pillow's resize, bit for bit: BICUBIC and BILINEAR (src/libImaging/Resample.c) in two passes, antialiased, in 8-bit fixed
// point; NEAREST (src/libImaging/Geometry.c, ImagingScaleAffine), which it takes for palettes; alpha as Image.resize has it.
// As of Pillow 13, which runs the vertical pass first on images that shrink much more in height than in width; older
// versions never do, and differ there by a level or so on pictures.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace cw {

enum class ResizeFilter : uint8_t { bicubic, bilinear, nearest };

/// Part of an image, in pixels.
struct Window {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

struct Resize {
  const uint8_t* src = nullptr;  // RGB [height, width, 3], or RGBA [height, width, 4]
  int channels = 3;              // of src
  int width = 0;
  int height = 0;
  size_t stride = 0;            // bytes from one row of src to the next; 0: nothing in between
  std::array<double, 4> box{};  // left, top, right, bottom of the source's part; fractions are allowed
  int out_width = 0;            // size of the whole result
  int out_height = 0;
  ResizeFilter filter = ResizeFilter::bicubic;
  Window window{};         // the part of the result that is computed and written, for instance its central square
  bool mirrored = false;   // left and right of the written part exchanged
  uint8_t* dst = nullptr;  // RGB [window.height, window.width, 3]
};

/// Throws invalid_argument where Resize makes no sense. Single-threaded; many may run at once.
/// Alpha takes part as weights of the colours (premultiplied) and is then dropped, except by `nearest`, which ignores it.
void resize(const Resize& r);

/// Throws what resize would, without touching src or dst.
void check_resize(const Resize& r);

}  // namespace cw
