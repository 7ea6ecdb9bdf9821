// Pillow's resize with NEAREST (src/libImaging/Geometry.c, ImagingScaleAffine): what it takes for palettes and for black
// and white, whatever filter was asked for.
#pragma once
#include "image/resize.h"

namespace cw {

/// A Resize that check_resize lets pass; alpha is dropped. `mirrored` is left to the caller.
void scale_nearest(const Resize& r);

}  // namespace cw
