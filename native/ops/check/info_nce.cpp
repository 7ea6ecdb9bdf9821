#include "ops/check/check.h"
#include "ops/check/pairs.h"

namespace cw {
namespace {

template <class A>
void check_softmaxes(const CheckedOp& op, const A& a) {
  check_pairs(op, a);
  op.vector("groups", a.groups, a.text.rows, DType::i32);
  op.field("row_lse", a.row_lse).given();
  op.field("col_lse", a.col_lse).given();
  op.vector("row_lse", a.row_lse, a.image.rows);
  op.vector("col_lse", a.col_lse, a.text.rows);
}

}  // namespace

void check(const Ops& ops, const InfoNce& a) {
  const CheckedOp op{ops, "info_nce"};
  check_softmaxes(op, a);
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
  check_softmaxes(op, a);
  check_pair_gradients(op, a);
}

}  // namespace cw
