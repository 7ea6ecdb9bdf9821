#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const GatherRows& a) {
  const CheckedOp op{ops, "gather_rows"};
  op.field("x", a.x).given().floating();
  op.field("rows", a.rows).given();
  op.vector("rows", a.rows, a.rows.cols, DType::i32);
  op.field("y", a.y).given().is(a.rows.cols, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const ScatterAddRows& a) {
  const CheckedOp op{ops, "scatter_add_rows"};
  op.field("x", a.x).given().floating();
  op.field("rows", a.rows).given();
  op.vector("rows", a.rows, a.x.rows, DType::i32);
  op.field("y", a.y).given().is(a.y.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const SequenceMean& a) {
  const CheckedOp op{ops, "sequence_mean"};
  op.sequences(a.sequences);
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.sequences.count, a.x.cols).type(a.x.dtype);
  op.demand(a.skip >= 0, "skip", "must be at least 0");
}

void check(const Ops& ops, const SequenceMeanGrad& a) {
  const CheckedOp op{ops, "sequence_mean_grad"};
  op.sequences(a.sequences);
  op.field("dx", a.dx).given().floating();
  op.field("dy", a.dy).given().is(a.sequences.count, a.dx.cols).type(a.dx.dtype);
  op.demand(a.skip >= 0, "skip", "must be at least 0");
}

}  // namespace cw
