#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const DistillGrad& a) {
  const CheckedOp op{ops, "distill_grad"};
  const int64_t n = a.image.rows, m = a.text.rows, e = a.image.cols, f = a.teacher_image.cols;
  op.field("image", a.image).given().floating().dense();
  op.field("text", a.text).given().is(m, e).type(a.image.dtype).dense();
  op.field("teacher_image", a.teacher_image).given().is(n, f).type(a.image.dtype).dense();
  op.field("teacher_text", a.teacher_text).given().is(m, f).type(a.image.dtype).dense();
  const auto row = [&](const char* name, const Tensor& t, int64_t count) {
    op.field(name, t).given();
    op.vector(name, t, count);
  };
  row("logit_scale", a.logit_scale, 1);
  row("teacher_scale", a.teacher_scale, 1);
  row("row_lse", a.row_lse, n);
  row("col_lse", a.col_lse, m);
  row("teacher_row_lse", a.teacher_row_lse, n);
  row("teacher_col_lse", a.teacher_col_lse, m);
  row("half_cross", a.half_cross, n);
  row("dlogit_scale", a.dlogit_scale, 1);
  op.field("dimage", a.dimage).given().is(n, e).type(DType::f32).dense();
  op.field("dtext", a.dtext).given().is(m, e).type(DType::f32).dense();
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
  op.demand(a.row_offset >= 0 && a.row_offset + n <= m, "row_offset", "local rows must lie within the global ones");
}

}  // namespace cw
