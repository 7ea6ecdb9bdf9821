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

void ReferenceBackend::run(const Tanh& a) {
  Matrix x(a.x);
  for (double& v : x.values) v = std::tanh(v);
  x.store(a.y);
}

void ReferenceBackend::run(const TanhGrad& a) {
  const Matrix y(a.y);
  Matrix dy(a.dy);
  for (size_t i = 0; i < dy.values.size(); ++i) dy.values[i] *= 1 - y.values[i] * y.values[i];
  dy.store(a.dx);
}

/// In float, unlike the rest of this folder: ops/elements.h defines the draws step by step.
void ReferenceBackend::run(const RandomInit& a) {
  float* y = a.y.as<float>();
  for (int64_t i = 0; i < a.y.count(); ++i) {
    const Philox4 draw = philox(a.seed, a.stream, static_cast<uint64_t>(i) / 4);
    const int64_t lane = i % 4, first = lane / 2 * 2;
    if (a.kind == RandomInit::Kind::uniform) {
      y[i] = std::fma(a.b - a.a, unit_float(draw.v[lane]), a.a);
    } else {
      const float radius = std::sqrt(-2.0f * std::log(unit_float(draw.v[first])));
      const float angle = 6.2831855f * unit_float(draw.v[first + 1]);
      y[i] = std::fma(a.b, radius * (lane == first ? std::cos(angle) : std::sin(angle)), a.a);
    }
  }
}

}  // namespace cw
