#include "core/dropout.h"
#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void CheckedOp::drop(const Drop& d) const {
  if (!d) return;
  vector("drop.draws", d.draws, 4, DType::i32);
  demand(d.site >= 0 && d.site < kDropoutSites, "drop.site", "must be 0 .. 8191");
  demand(d.rate >= 0 && d.rate < 1 && dropout_bound(d.rate) < 65536, "drop.rate", "must be at least 0 and below 1");
}

void check(const Ops& ops, const Dropout& a) {
  const CheckedOp op{ops, "dropout"};
  op.field("x", a.x).given().floating();
  op.field("residual", a.residual).is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.vector("rows", a.rows, a.x.rows, DType::i32);
  op.field("drop.draws", a.drop.draws).given();
  op.drop(a.drop);
}

}  // namespace cw
