#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const Cast& a) {
  const CheckedOp op{ops, "cast"};
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).floating();
}

void check(const Ops& ops, const Fill& a) { CheckedOp{ops, "fill"}.field("y", a.y).given().floating(); }

void check(const Ops& ops, const Clamp& a) { CheckedOp{ops, "clamp"}.field("x", a.x).given().type(DType::f32); }

void check(const Ops& ops, const Tanh& a) {
  const CheckedOp op{ops, "tanh"};
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const TanhGrad& a) {
  const CheckedOp op{ops, "tanh_grad"};
  op.field("y", a.y).given().floating();
  op.field("dy", a.dy).given().is(a.y.rows, a.y.cols).type(a.y.dtype);
  op.field("dx", a.dx).given().is(a.y.rows, a.y.cols).type(a.y.dtype);
}

void check(const Ops& ops, const RandomInit& a) {
  CheckedOp{ops, "random_init"}.field("y", a.y).given().type(DType::f32).dense();
}

}  // namespace cw
