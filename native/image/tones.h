// Changes of colour that leave every pixel where it is, as Pillow's ImageOps and ImageEnhance make them.
#pragma once
#include "image/picture.h"

namespace cw {

/// Keeps the upper bits of each value, 0 to 8 of them.
void posterize(const Picture& p, int bits);
/// Inverts values of the threshold and above.
void solarize(const Picture& p, double threshold);
void invert(const Picture& p);
/// Stretches each channel so that its darkest value is 0 and its brightest 255.
void autocontrast(const Picture& p);
/// Gives each channel a flat histogram.
void equalize(const Picture& p);

// Enhancements: 1 leaves a picture as it is, 0 gives its degenerate form, above 1 goes away from it.

/// Degenerate: grey.
void enhance_color(const Picture& p, double factor);
/// Degenerate: the rounded mean of grey everywhere.
void enhance_contrast(const Picture& p, double factor);
/// Degenerate: smoothed by 1 1 1 / 1 5 1 / 1 1 1, but for the border.
void enhance_sharpness(const Picture& p, double factor);

/// Factors on hue (turning around), saturation and value (clipped), each in OpenCV's 8 bits: hue in 0 .. 179.
void jitter_hsv(const Picture& p, double hue, double saturation, double value);

}  // namespace cw
