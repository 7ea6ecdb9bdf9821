#include <cmath>

#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

void ReferenceBackend::run(const Swiglu& a) {
  const Matrix gate(a.gate);
  Matrix y(a.x);
  for (size_t i = 0; i < y.values.size(); ++i) y.values[i] *= gate.values[i] * sigmoid(gate.values[i]);
  y.store(a.y);
}

void ReferenceBackend::run(const SwigluGrad& a) {
  const Matrix gate(a.gate), x(a.x), dy(a.dy);
  Matrix dgate(x.rows, x.cols), dx(x.rows, x.cols);
  for (size_t i = 0; i < x.values.size(); ++i) {
    const double g = gate.values[i], s = sigmoid(g);
    dgate.values[i] = dy.values[i] * x.values[i] * s * (1 + g * (1 - s));
    dx.values[i] = dy.values[i] * g * s;
  }
  dgate.store(a.dgate);
  dx.store(a.dx);
}

}  // namespace cw
