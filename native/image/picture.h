// A picture that is changed in place.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace cw {

constexpr int kChannels = 3;

struct Picture {
  uint8_t* data = nullptr;  // RGB [height, width, 3]
  int width = 0;
  int height = 0;

  size_t pixels() const { return static_cast<size_t>(width) * height; }
  size_t bytes() const { return pixels() * kChannels; }
};

/// Cuts fractions off.
inline uint8_t clip8(double x) { return static_cast<uint8_t>(std::clamp(x, 0.0, 255.0)); }

}  // namespace cw
