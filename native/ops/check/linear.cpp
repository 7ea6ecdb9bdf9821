#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {
namespace {

void check_weight(const CheckedOp& op, const WeightView& v) {
  op.demand(v.weight != nullptr && (v.weight->packed || v.weight->compute), "w", "is missing");
  const Tensor& m = v.weight->master;
  op.field("w.master", m).type(DType::f32).dense();
  const CheckedField compute = op.field("w.compute", v.weight->compute);
  compute.is(m.rows, m.cols).dense();
  if (v.weight->compute.dtype == DType::i8) {
    if (!op.ops.computes(DType::i8))
      compute.fail("this device has no products of 8-bit weights; use bf16 or fp16", Code::unsupported);
    op.demand(!v.weight->input_major, "w", "of i8 lies as [O,I]");
    op.field("w.scales", v.weight->scales).given();
    op.vector("w.scales", v.weight->scales, m.rows);
  } else {
    compute.floating();
  }
  if (v.weight->input_major)
    op.demand(v.first == 0 && v.count < 0, "w", "input_major weights are used whole");
  else
    op.demand(v.first >= 0 && v.first + v.out_features() <= m.rows && v.out_features() >= 0, "w",
              "asks for rows past the weight's end");
}

}  // namespace

void check(const Ops& ops, const Linear& a) {
  const CheckedOp op{ops, "linear"};
  check_weight(op, a.w);
  const int64_t t = a.x.rows, o = a.w.out_features();
  op.field("x", a.x).given().is(t, a.w.in_features());
  if (a.w.weight->compute.dtype == DType::i8)
    op.field("y", a.y).type(a.x.dtype), op.field("x", a.x).type(DType::f32);
  else
    op.field("x", a.x).type(a.w.weight->compute.dtype);
  op.field("y", a.y).given().is(t, o).floating();
  op.demand(a.y.dtype == a.x.dtype || a.y.dtype == DType::f32, "y", "must have x's type or f32");
  op.vector("b", a.b, o);
  op.field("b_compute", a.b_compute).is(1, o).type(a.x.dtype);
  op.demand(a.b || !a.b_compute, "b_compute", "goes together with b");
  op.field("residual", a.residual).is(t, o).type(a.y.dtype);
  op.field("pre", a.pre).is(t, o).type(a.x.dtype);
}

void check(const Ops& ops, const LinearInputGrad& a) {
  const CheckedOp op{ops, "linear_input_grad"};
  check_weight(op, a.w);
  op.demand(!a.w.weight->packed && a.w.weight->compute.dtype != DType::i8, "w", "is held for encoding only");
  op.field("dy", a.dy).given().is(a.dy.rows, a.w.out_features()).type(a.w.weight->compute.dtype);
  op.field("dx", a.dx).given().is(a.dy.rows, a.w.in_features()).type(a.dy.dtype);
  if (a.act != Act::none) op.field("pre", a.pre).given().is(a.dx.rows, a.dx.cols).type(a.dx.dtype);
  op.field("residual", a.residual).is(a.dx.rows, a.dx.cols).type(a.dx.dtype);
  op.demand(a.act == Act::none || !a.residual, "residual", "goes with no activation");
  op.vector("dx_sum", a.dx_sum, a.dx.cols);
  op.demand(a.act != Act::none || !a.dx_sum, "dx_sum", "goes with an activation");
  op.field("hidden", a.hidden).is(a.dx.rows, a.dx.cols).type(a.dx.dtype);
  op.demand(a.act != Act::none || !a.hidden, "hidden", "goes with an activation");
}

void check(const Ops& ops, const LinearWeightGrad& a) {
  const CheckedOp op{ops, "linear_weight_grad"};
  op.field("x", a.x).given().floating();
  op.field("dy", a.dy).given().is(a.x.rows, a.dy.cols).type(a.x.dtype);
  const int64_t o = a.dy.cols, i = a.x.cols;
  op.field("dw", a.dw).is(a.input_major ? i : o, a.input_major ? o : i).type(DType::f32).dense();
  op.vector("db", a.db, o);
}

}  // namespace cw
