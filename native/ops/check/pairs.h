// What all losses over pairs demand of features and of their gradients.
#pragma once
#include "ops/check/field.h"

namespace cw {

/// Of local image rows against all texts.
template <class A>
void check_pairs(const CheckedOp& op, const A& a) {
  const int64_t n = a.image.rows, m = a.text.rows, e = a.image.cols;
  op.field("image", a.image).given().floating().dense();
  op.field("text", a.text).given().is(m, e).type(a.image.dtype).dense();
  op.field("logit_scale", a.logit_scale).given();
  op.vector("logit_scale", a.logit_scale, 1);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= m, "row_offset", "local rows must lie within the global ones");
}

template <class A>
void check_pair_gradients(const CheckedOp& op, const A& a) {
  op.field("dimage", a.dimage).given().is(a.image.rows, a.image.cols).type(DType::f32).dense();
  op.field("dtext", a.dtext).given().is(a.text.rows, a.text.cols).type(DType::f32).dense();
  op.field("dlogit_scale", a.dlogit_scale).given();
  op.vector("dlogit_scale", a.dlogit_scale, 1);
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
}

}  // namespace cw
