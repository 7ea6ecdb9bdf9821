// Pictures with alpha are resized as Pillow's Image.resize does it: colours multiplied by their alpha, resized, and divided
// by the resized alpha again (src/libImaging/Convert.c, rgbA2rgba and rgba2rgbA).
#pragma once
#include "image/resize.h"

namespace cw {

/// RGBA → RGB of the window, alpha dropped. `resample` resizes RGB. `mirrored` is left to the caller.
void resize_premultiplied(const Resize& r, void (*resample)(const Resize&));

}  // namespace cw
