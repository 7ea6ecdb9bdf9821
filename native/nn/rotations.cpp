#include "nn/rotations.h"

#include <cmath>

namespace cw {

/// Places and angles are rounded to f32 as timm's are, whose models learned with them.
std::vector<float> square_rotations(const SquareRotations& of) {
  const int64_t bands = of.channels / 4, pairs = of.channels / 2;
  std::vector<float> turn(static_cast<size_t>(of.grid * pairs));  // of each place: cosines of its bands, then sines
  for (int64_t n = 0; n < of.grid; ++n) {
    const float place =
        static_cast<float>(n + of.first_place) / static_cast<float>(of.grid) * static_cast<float>(of.reference_grid);
    for (int64_t i = 0; i < bands; ++i) {
      const auto band = static_cast<float>(1 / std::pow(10000.0, static_cast<double>(i) / static_cast<double>(bands)));
      const double angle = place * band;
      turn[static_cast<size_t>(n * pairs + i)] = static_cast<float>(std::cos(angle));
      turn[static_cast<size_t>(n * pairs + bands + i)] = static_cast<float>(std::sin(angle));
    }
  }
  std::vector<float> out;
  out.reserve(static_cast<size_t>((of.before + of.grid * of.grid) * of.channels));
  for (int64_t r = 0; r < of.before; ++r)
    for (int64_t i = 0; i < of.channels; ++i) out.push_back(i < pairs ? 1.0f : 0.0f);
  for (int64_t patch = 0; patch < of.grid * of.grid; ++patch) {
    const int64_t row = patch / of.grid, column = patch % of.grid;
    for (const int64_t part : {int64_t{0}, bands})
      for (const int64_t n : {of.columns_first ? column : row, of.columns_first ? row : column})
        for (int64_t i = 0; i < bands; ++i) out.push_back(turn[static_cast<size_t>(n * pairs + part + i)]);
  }
  return out;
}

}  // namespace cw
