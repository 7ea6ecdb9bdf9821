#include "nn/sin_cos.h"

#include <cmath>

namespace cw {

std::vector<float> sin_cos_positions(int64_t rows, int64_t width) {
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(rows - 1))));
  const int64_t waves = width / 4;
  std::vector<float> out(static_cast<size_t>(rows * width));
  for (int64_t patch = 0; patch < grid * grid; ++patch) {
    float* row = out.data() + (patch + 1) * width;
    for (const int64_t place : {patch % grid, patch / grid}) {
      for (int64_t i = 0; i < waves; ++i) {
        const double angle = static_cast<double>(place) / std::pow(10000.0, static_cast<double>(i) / static_cast<double>(waves));
        row[i] = static_cast<float>(std::sin(angle));
        row[waves + i] = static_cast<float>(std::cos(angle));
      }
      row += 2 * waves;
    }
  }
  return out;
}

}  // namespace cw
