#include "ops/check/check.h"
#include "ops/check/pairs.h"

namespace cw {

void check(const Ops& ops, const DistillGrad& a) {
  const CheckedOp op{ops, "distill_grad"};
  const int64_t n = a.image.rows, m = a.text.rows, f = a.teacher_image.cols;
  check_pairs(op, a);
  check_pair_gradients(op, a);
  op.field("teacher_image", a.teacher_image).given().is(n, f).type(a.image.dtype).dense();
  op.field("teacher_text", a.teacher_text).given().is(m, f).type(a.image.dtype).dense();
  const auto row = [&](const char* name, const Tensor& t, int64_t count) {
    op.field(name, t).given();
    op.vector(name, t, count);
  };
  row("teacher_scale", a.teacher_scale, 1);
  row("row_lse", a.row_lse, n);
  row("col_lse", a.col_lse, m);
  row("teacher_row_lse", a.teacher_row_lse, n);
  row("teacher_col_lse", a.teacher_col_lse, m);
  row("half_cross", a.half_cross, n);
}

}  // namespace cw
