#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const Swiglu& a) {
  const CheckedOp op{ops, "swiglu"};
  op.field("x", a.x).given().floating();
  op.field("gate", a.gate).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const SwigluGrad& a) {
  const CheckedOp op{ops, "swiglu_grad"};
  op.field("x", a.x).given().floating();
  op.field("gate", a.gate).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("dy", a.dy).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("dgate", a.dgate).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("dx", a.dx).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

}  // namespace cw
