// Linear and LinearInputGrad: oneDNN's product with bias and residual, one own pass for the activation.
#include <algorithm>

#include "ops/cpu/backend.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/onednn.h"
#include "ops/cpu/widen.h"

namespace cw {
namespace {

using Use = OneDnn::Use;

bool same_view(const Tensor& a, const Tensor& b) { return a.data == b.data && a.stride == b.stride; }

Linear in_f32(Workspace& work, const Linear& op, Weight& weight) {
  Linear wide = op;
  wide.x = widened(work, op.x);
  if (!op.w.weight->packed) wide.w = widened(work, op.w, weight);
  wide.residual = op.residual ? widened(work, op.residual) : Tensor{};
  wide.y = widened_output(work, op.y);
  wide.pre = op.pre ? widened_output(work, op.pre) : Tensor{};
  return wide;
}

/// Without an activation all is the product's: y = x·wᵀ + b + residual.
void plain(OneDnn& onednn, Workspace& work, const Linear& op, const Operand& weights) {
  const bool in_place = op.residual && same_view(op.residual, op.y);
  const Operand addend = in_place ? Operand() : Operand(op.residual);
  onednn.multiply(work, {.a = op.x, .b = weights, .c = op.y, .bias = op.b.as<float>(), .addend = addend,
                         .accumulate = in_place});
}

/// Rows whose sums stay in the second cache until they are rescaled.
constexpr int64_t kRoundedRows = 128;

/// With a weight of i8: u8 x i8 -> i32, a few rows at a time. oneDNN is given u8 because VNNI multiplies u8 by i8: rows of i8
/// it would shift itself, which costs a sixth (and all but a third of the pace where there is no VNNI).
void rounded(OneDnn& onednn, Workspace& work, const Linear& op) {
  const int64_t t = op.x.rows, o = op.y.cols;
  const OneDnn::Rounded w = onednn.rounded_weights(work, op.w);
  const Tensor q = work.take(t, op.x.cols, DType::u8), steps = work.take(1, t, DType::f32);
  const Tensor sums = work.take(std::min(t, kRoundedRows), o, DType::i32);
  const bool apart = op.act != Act::none && op.residual && !op.pre && same_view(op.residual, op.y);
  const Tensor aside = apart ? work.take(sums.rows, o, DType::f32) : Tensor{};
  if (work.live()) kernels().round_rows(op.x, q, steps);
  for (int64_t first = 0; first < t; first += kRoundedRows) {
    const int64_t n = std::min(kRoundedRows, t - first);
    const auto rows = [&](const Tensor& all) { return all ? all.row_range(first, n) : all; };
    const Tensor y = rows(op.y), some = sums.row_range(0, n), residual = rows(op.residual);
    const Tensor argument = op.pre ? rows(op.pre) : apart ? aside.row_range(0, n) : y;
    const bool direct = op.act == Act::none && !op.pre;
    onednn.multiply(work, {.a = rows(q), .b = w.right, .c = some});
    if (!work.live()) continue;
    kernels().rescale({.sums = some, .shift = w.shift, .steps = steps.col_range(first, n), .scales = w.scales, .b = op.b,
                       .residual = direct ? residual : Tensor{}, .y = argument});
    if (!direct) kernels().activation(op.act, argument, residual, y);
  }
}

void forward(OneDnn& onednn, Workspace& work, const Linear& op) {
  if (op.w.weight->compute.dtype == DType::i8) return rounded(onednn, work, op);
  if (!onednn.multiplies(op.x.dtype)) {
    Weight weight;
    const Linear wide = in_f32(work, op, weight);
    forward(onednn, work, wide);
    narrow(work, wide.y, op.y);
    if (op.pre) narrow(work, wide.pre, op.pre);
    return;
  }
  const Operand weights = onednn.weights(work, op.w, Use::forward, op.x, op.pre ? op.pre : op.y);
  if (op.act == Act::none && !op.pre) return plain(onednn, work, op, weights);
  // The argument goes to `pre`; or to y, where the activation then happens in place; or aside, when y holds the residual.
  Tensor argument = op.pre ? op.pre : op.y;
  if (!op.pre && op.residual && same_view(op.residual, op.y)) argument = work.take(op.y.rows, op.y.cols, op.y.dtype);
  onednn.multiply(work, {.a = op.x, .b = weights, .c = argument, .bias = op.b.as<float>()});
  if (work.live()) kernels().activation(op.act, argument, op.residual, op.y);
}

void input_grad(OneDnn& onednn, Workspace& work, const LinearInputGrad& op) {
  if (!onednn.multiplies(op.dy.dtype)) {
    Weight weight;
    LinearInputGrad wide = op;
    wide.dy = widened(work, op.dy);
    wide.w = widened(work, op.w, weight);
    wide.dx = widened_output(work, op.dx);
    wide.pre = op.act == Act::none ? Tensor{} : widened(work, op.pre);
    wide.residual = op.residual ? widened(work, op.residual) : Tensor{};
    wide.dx_sum = {};  // of dx as it is stored
    if (op.hidden) wide.hidden = wide.pre;
    input_grad(onednn, work, wide);
    narrow(work, wide.dx, op.dx);
    if (op.hidden) narrow(work, wide.hidden, op.hidden);
    if (op.dx_sum) column_sums(work, op.dx, op.dx_sum, op.accumulate);
    return;
  }
  const Operand weights = onednn.weights(work, op.w, Use::input_grad, op.dy, op.dx);
  const bool in_place = op.residual && same_view(op.residual, op.dx);
  onednn.multiply(work, {.a = op.dy, .b = weights, .c = op.dx, .addend = in_place ? Operand() : Operand(op.residual),
                         .accumulate = in_place});
  if (op.act != Act::none && work.live()) kernels().activation_grad(op.act, op.pre, op.dx, op.hidden);
  if (op.dx_sum) column_sums(work, op.dx, op.dx_sum, op.accumulate);
}

}  // namespace

void CpuBackend::run(const Linear& op) {
  Workspace work = Workspace::over(scratch_arena());
  forward(*onednn_, work, op);
}

size_t CpuBackend::scratch(const Linear& op) const {
  Workspace work = Workspace::measuring();
  forward(*onednn_, work, op);
  return work.peak();
}

void CpuBackend::run(const LinearInputGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  input_grad(*onednn_, work, op);
}

size_t CpuBackend::scratch(const LinearInputGrad& op) const {
  Workspace work = Workspace::measuring();
  input_grad(*onednn_, work, op);
  return work.peak();
}

}  // namespace cw
