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
  op.vector("logit_bias", a.logit_bias, 1);
  op.vector("groups", a.groups, m, DType::i32);
  op.vector("loss", a.loss, 1);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= m, "row_offset", "local rows must lie within the global ones");
}

}  // namespace

void check(const Ops& ops, const SigmoidLoss& a) {
  const CheckedOp op{ops, "sigmoid_loss"};
  check_pairs(op, a);
  op.field("loss", a.loss).given();
}

void check(const Ops& ops, const SigmoidLossGrad& a) {
  const CheckedOp op{ops, "sigmoid_loss_grad"};
  check_pairs(op, a);
  op.field("dimage", a.dimage).given().is(a.image.rows, a.image.cols).type(DType::f32).dense();
  op.field("dtext", a.dtext).given().is(a.text.rows, a.text.cols).type(DType::f32).dense();
  op.field("dlogit_scale", a.dlogit_scale).given();
  op.vector("dlogit_scale", a.dlogit_scale, 1);
  op.vector("dlogit_bias", a.dlogit_bias, 1);
  op.demand(!a.dlogit_bias == !a.logit_bias, "dlogit_bias", "expected where logit_bias is given, and only there");
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
}

}  // namespace cw
