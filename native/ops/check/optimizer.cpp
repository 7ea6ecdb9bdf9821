#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {
namespace {

void check_segments(const CheckedOp& op, const Segments& s, const Tensor& control) {
  op.demand(s.count >= 0 && (s.count == 0 || s.items), "segments", "is missing");
  op.field("control", control).given();
  op.vector("control", control, static_cast<int64_t>(Control::count));
}

}  // namespace

void check(const Ops& ops, const GradNorm& a) {
  const CheckedOp op{ops, "grad_norm"};
  check_segments(op, a.segments, a.control);
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
  op.vector("loss", a.loss, 1);
}

void check(const Ops& ops, const UpdateLossScale& a) {
  const CheckedOp op{ops, "update_loss_scale"};
  op.field("control", a.control).given();
  op.vector("control", a.control, static_cast<int64_t>(Control::count));
  op.field("loss_scale", a.loss_scale).given();
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
  op.demand(a.growth_interval > 0, "growth_interval", "must be at least 1");
}

void check(const Ops& ops, const OptimizerStep& a) {
  const CheckedOp op{ops, "optimizer_step"};
  check_segments(op, a.segments, a.control);
  op.demand(a.rule != Rule::lamb || a.eps > 0, "eps", "must be above 0 for lamb");
  for (const Segment* s = a.segments.items; s != a.segments.items + a.segments.count; ++s) {
    op.demand(s->value && s->grad, "segments", "every one needs a value and a gradient");
    op.demand(!needs_first_moment(a.rule) || s->m, "segments", "this rule needs the first moment");
    op.demand(!has_second_moment(a.rule) || s->v, "segments", "this rule needs both moments");
  }
}

}  // namespace cw
