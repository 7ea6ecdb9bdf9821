#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {
namespace {

void check_shared(const CheckedOp& op, const Tensor& part, const char* part_name, const Tensor& whole, const char* whole_name) {
  op.field(whole_name, whole).given().floating().dense();
  const RankShare own = op.ops.ranks().share(whole.rows);
  op.field(part_name, part).type(whole.dtype).is(own.count, whole.cols).dense();
}

}  // namespace

void check(const Ops& ops, const AllGather& a) {
  const CheckedOp op{ops, "all_gather"};
  check_shared(op, a.x, "x", a.y, "y");
  op.demand(static_cast<size_t>(a.y.cols) * size_of(a.y.dtype) % 4 == 0, "y", "rows must be whole words of four bytes");
}

void check(const Ops& ops, const ReduceScatter& a) {
  const CheckedOp op{ops, "reduce_scatter"};
  check_shared(op, a.y, "y", a.x, "x");
  op.field("x", a.x).type(DType::f32);
}

void check(const Ops& ops, const AllReduce& a) {
  const CheckedOp op{ops, "all_reduce"};
  op.field("x", a.x).given();
  op.vector("x", a.x, a.x.cols);
}

void check(const Ops& ops, const MergeLse& a) {
  const CheckedOp op{ops, "merge_lse"};
  op.field("x", a.x).given();
  op.vector("x", a.x, a.x.cols);
}

void check(const Ops& ops, const Broadcast& a) {
  const CheckedOp op{ops, "broadcast"};
  op.field("x", a.x).given();
  op.vector("x", a.x, a.x.cols);
}

}  // namespace cw
