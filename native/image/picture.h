// A picture that is changed in place.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cw {

struct Picture {
  uint8_t* data = nullptr;  // RGB [height, width, 3]
  int width = 0;
  int height = 0;

  size_t pixels() const { return static_cast<size_t>(width) * height; }
  size_t bytes() const { return pixels() * 3; }
};

}  // namespace cw
