#include "core/dropout.h"
#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void CheckedOp::drop(const Drop& d) const {
  if (!d) return;
  vector("drop.draws.counter", d.draws.counter, 4, DType::i32);
  demand(d.site >= 0 && d.site < kDropoutSites, "drop.site", "must be 0 .. 8191");
  demand(d.rate >= 0 && d.rate < 1 && dropout_bound(d.rate) < 65536, "drop.rate", "must be at least 0 and below 1");
}

void check(const Ops& ops, const Dropout& a) {
  const CheckedOp op{ops, "dropout"};
  op.field("x", a.x).given().floating();
  op.field("residual", a.residual).is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.vector("rows", a.rows, a.x.rows, DType::i32);
  op.field("drop.draws.counter", a.drop.draws.counter).given();
  const Tensor& places = a.drop.draws.places;
  op.field("drop.draws.places", places).given().is(2, a.rows ? places.cols : a.x.rows).type(DType::i32).dense();
  op.drop(a.drop);
}

}  // namespace cw
