#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const LayerScale& a) {
  const CheckedOp op{ops, "layer_scale"};
  op.field("x", a.x).given().floating();
  op.field("residual", a.residual).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("gamma", a.gamma).given();
  op.vector("gamma", a.gamma, a.x.cols);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const LayerScaleGrad& a) {
  const CheckedOp op{ops, "layer_scale_grad"};
  op.field("x", a.x).given().floating();
  op.field("dy", a.dy).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("gamma", a.gamma).given();
  op.vector("gamma", a.gamma, a.x.cols);
  op.field("dx", a.dx).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.vector("dgamma", a.dgamma, a.x.cols);
  op.vector("dx_sum", a.dx_sum, a.x.cols);
}

}  // namespace cw
