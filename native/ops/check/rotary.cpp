#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const Rotary& a) {
  const CheckedOp op{ops, "rotary"};
  op.field("x", a.x).given().floating();
  op.demand(a.heads > 0 && a.x.cols % a.heads == 0, "heads", "must divide the width");
  const int64_t channels = a.x.cols / a.heads;
  op.demand(channels % 2 == 0, "heads", "must leave each an even number of channels");
  op.field("table", a.table).given().is(a.table.rows, channels).type(DType::f32).dense();
  op.field("position_ids", a.position_ids).given();
  op.vector("position_ids", a.position_ids, a.rows ? a.position_ids.cols : a.x.rows, DType::i32);
  op.vector("rows", a.rows, a.x.rows, DType::i32);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

}  // namespace cw
