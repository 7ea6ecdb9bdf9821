#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const LayerNorm& a) {
  const CheckedOp op{ops, "layer_norm"};
  op.field("x", a.x).given().floating();
  op.field("residual", a.residual).is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("gamma", a.gamma).given();
  op.field("beta", a.beta).given();
  op.vector("gamma", a.gamma, a.x.cols);
  op.vector("beta", a.beta, a.x.cols);
  op.vector("mean", a.mean, a.x.rows);
  op.vector("rstd", a.rstd, a.x.rows);
  op.demand(static_cast<bool>(a.mean) == static_cast<bool>(a.rstd), "rstd", "goes together with mean");
}

void check(const Ops& ops, const LayerNormGrad& a) {
  const CheckedOp op{ops, "layer_norm_grad"};
  const int64_t t = a.x.rows, d = a.x.cols;
  op.field("x", a.x).given().floating();
  op.field("mean", a.mean).given();
  op.field("rstd", a.rstd).given();
  op.field("gamma", a.gamma).given();
  op.vector("gamma", a.gamma, d);
  op.vector("mean", a.mean, t);
  op.vector("rstd", a.rstd, t);
  op.field("dy", a.dy).given().is(t, d).type(a.x.dtype);
  op.field("residual", a.residual).is(t, d).type(a.x.dtype);
  op.field("dx", a.dx).given().is(t, d).type(a.x.dtype);
  op.vector("dgamma", a.dgamma, d);
  op.vector("dbeta", a.dbeta, d);
  op.demand(static_cast<bool>(a.dgamma) == static_cast<bool>(a.dbeta), "dbeta", "goes together with dgamma");
  op.vector("dx_sum", a.dx_sum, d);
}

void check(const Ops& ops, const L2Normalize& a) {
  const CheckedOp op{ops, "l2_normalize"};
  op.field("x", a.x).given().type(DType::f32);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(DType::f32);
  op.vector("inv_norm", a.inv_norm, a.x.rows);
}

void check(const Ops& ops, const L2NormalizeGrad& a) {
  const CheckedOp op{ops, "l2_normalize_grad"};
  op.field("y", a.y).given().type(DType::f32);
  op.field("inv_norm", a.inv_norm).given();
  op.vector("inv_norm", a.inv_norm, a.y.rows);
  op.field("dy", a.dy).given().is(a.y.rows, a.y.cols).type(DType::f32);
  op.field("dx", a.dx).given().is(a.y.rows, a.y.cols).type(DType::f32);
}

}  // namespace cw
