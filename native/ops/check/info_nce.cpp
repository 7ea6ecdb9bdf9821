#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {
namespace {

template <class A>
void check_pairs(const CheckedOp& op, const A& a) {
  const int64_t n = a.image.rows, m = a.text.rows, e = a.image.cols;
  op.field("image", a.image).given().floating().dense();
  op.field("text", a.text).given().is(m, e).type(a.image.dtype).dense();
  op.field("logit_scale", a.logit_scale).given();
  op.vector("logit_scale", a.logit_scale, 1);
  op.vector("groups", a.groups, m, DType::i32);
  op.field("row_lse", a.row_lse).given();
  op.field("col_lse", a.col_lse).given();
  op.vector("row_lse", a.row_lse, n);
  op.vector("col_lse", a.col_lse, m);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= m, "row_offset", "local rows must lie within the global ones");
}

}  // namespace

void check(const Ops& ops, const InfoNce& a) {
  const CheckedOp op{ops, "info_nce"};
  check_pairs(op, a);
  op.field("diagonal", a.diagonal).given();
  op.vector("diagonal", a.diagonal, a.image.rows);
}

void check(const Ops& ops, const InfoNceLoss& a) {
  const CheckedOp op{ops, "info_nce_loss"};
  const int64_t n = a.row_lse.cols;
  op.field("row_lse", a.row_lse).given();
  op.field("col_lse", a.col_lse).given();
  op.field("diagonal", a.diagonal).given();
  op.field("loss", a.loss).given();
  op.vector("row_lse", a.row_lse, n);
  op.vector("col_lse", a.col_lse, a.col_lse.cols);
  op.vector("diagonal", a.diagonal, n);
  op.vector("loss", a.loss, 1);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= a.col_lse.cols, "row_offset", "local rows must lie within the global ones");
}

void check(const Ops& ops, const InfoNceGrad& a) {
  const CheckedOp op{ops, "info_nce_grad"};
  check_pairs(op, a);
  op.field("dimage", a.dimage).given().is(a.image.rows, a.image.cols).type(DType::f32).dense();
  op.field("dtext", a.dtext).given().is(a.text.rows, a.text.cols).type(DType::f32).dense();
  op.field("dlogit_scale", a.dlogit_scale).given();
  op.vector("dlogit_scale", a.dlogit_scale, 1);
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
}

}  // namespace cw
