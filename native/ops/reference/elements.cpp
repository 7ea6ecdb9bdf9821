#include <algorithm>
#include <cmath>

#include "core/philox.h"
#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {

void ReferenceBackend::run(const Clamp& a) {
  Matrix x(a.x);
  for (double& v : x.values) v = std::min(std::max(v, static_cast<double>(a.low)), static_cast<double>(a.high));
  x.store(a.x);
}

void ReferenceBackend::run(const Cast& a) { Matrix(a.x).store(a.y); }

void ReferenceBackend::run(const Fill& a) {
  Matrix y(a.y.rows, a.y.cols);
  std::fill(y.values.begin(), y.values.end(), a.value);
  y.store(a.y);
}

void ReferenceBackend::run(const RandomInit& a) {
  for (int64_t i = 0; i < a.y.count(); ++i) {
    const Philox4 draw = philox(a.seed, a.stream, static_cast<uint64_t>(i) / 4);
    const int64_t lane = i % 4;
    double x;
    if (a.kind == RandomInit::Kind::uniform) {
      x = a.a + (static_cast<double>(a.b) - a.a) * unit_float(draw.v[lane]);
    } else {
      const double radius = std::sqrt(-2 * std::log(static_cast<double>(unit_float(draw.v[lane & 2]))));
      const double angle = 2 * M_PI * unit_float(draw.v[(lane & 2) + 1]);
      x = a.a + a.b * radius * (lane & 1 ? std::sin(angle) : std::cos(angle));
    }
    a.y.as<float>()[i] = static_cast<float>(x);
  }
}

}  // namespace cw
