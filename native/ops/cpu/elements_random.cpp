// Compiled once for all machines: the same seed gives the same bits whatever instruction set the kernels use.
#include <cmath>

#include "core/philox.h"
#include "ops/cpu/backend.h"

namespace cw {

void CpuBackend::run(const RandomInit& op) {
  float* y = op.y.as<float>();
  const int64_t count = op.y.count();
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; i += 4) {
    const Philox4 draw = philox(op.seed, op.stream, static_cast<uint64_t>(i) / 4);
    float x[4];
    for (int k = 0; k < 4; ++k) x[k] = unit_float(draw.v[k]);
    if (op.kind == RandomInit::Kind::normal) {
      for (int k = 0; k < 4; k += 2) {
        const float radius = std::sqrt(-2.0f * std::log(x[k])), angle = 6.2831855f * x[k + 1];
        x[k] = std::fma(op.b, radius * std::cos(angle), op.a);
        x[k + 1] = std::fma(op.b, radius * std::sin(angle), op.a);
      }
    } else {
      for (float& u : x) u = std::fma(op.b - op.a, u, op.a);
    }
    for (int64_t k = 0; k < 4 && i + k < count; ++k) y[i + k] = x[k];
  }
}

}  // namespace cw
