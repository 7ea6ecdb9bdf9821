#include "ops/check/check.h"
#include "ops/check/pairs.h"

namespace cw {
namespace {

template <class A>
void check_questions(const CheckedOp& op, const A& a) {
  check_pairs(op, a);
  op.vector("logit_bias", a.logit_bias, 1);
  op.vector("groups", a.groups, a.text.rows, DType::i32);
  op.vector("loss", a.loss, 1);
}

}  // namespace

void check(const Ops& ops, const SigmoidLoss& a) {
  const CheckedOp op{ops, "sigmoid_loss"};
  check_questions(op, a);
  op.field("loss", a.loss).given();
}

void check(const Ops& ops, const SigmoidLossGrad& a) {
  const CheckedOp op{ops, "sigmoid_loss_grad"};
  check_questions(op, a);
  check_pair_gradients(op, a);
  op.vector("dlogit_bias", a.dlogit_bias, 1);
  op.demand(!a.dlogit_bias == !a.logit_bias, "dlogit_bias", "expected where logit_bias is given, and only there");
}

}  // namespace cw
