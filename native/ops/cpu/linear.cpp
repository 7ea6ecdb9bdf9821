// Linear and LinearInputGrad: oneDNN's product with bias and residual, one own pass for the activation. What is multiplied in
// f32 is our own kernels' from some rows on, where weights lie in panels.
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

/// Without an activation all is the product's: y = x·wᵀ + b + residual.
void plain(OneDnn& onednn, Workspace& work, const Linear& op, const Operand& weights) {
  const bool in_place = op.residual && same_view(op.residual, op.y);
  const Operand addend = in_place ? Operand() : Operand(op.residual);
  onednn.multiply(work, {.a = op.x, .b = weights, .c = op.y, .bias = op.b.as<float>(), .addend = addend,
                         .accumulate = in_place});
}

/// Rows whose sums stay in the second cache until they are rescaled.
constexpr int64_t kRoundedRows = 128;

/// With a weight of i8: u8 x i8 -> i32, by our own kernel or, a few rows at a time, oneDNN's. VNNI multiplies u8 by i8: rows of i8
/// oneDNN would shift itself, which costs a sixth.
void rounded(OneDnn& onednn, Workspace& work, const Linear& op) {
  const int64_t t = op.x.rows, o = op.y.cols;
  const OneDnn::Rounded w = onednn.rounded_weights(work, op.w);
  const bool own = OneDnn::in_panels(w);
  const int64_t width = own ? (op.x.cols + 3) / 4 * 4 : op.x.cols;  // our own kernel reads whole words
  const Tensor q = work.take(t, width, DType::u8).col_range(0, op.x.cols), steps = work.take(1, t, DType::f32);
  if (work.live()) kernels().round_rows(op.x, q, steps);
  if (own) {
    if (work.live()) kernels().rounded_linear(op, OneDnn::rounded_panels(w, q, steps));
    return;
  }
  const Tensor sums = work.take(std::min(t, kRoundedRows), o, DType::i32);
  const bool apart = op.act != Act::none && op.residual && !op.pre && same_view(op.residual, op.y);
  const Tensor aside = apart ? work.take(sums.rows, o, DType::f32) : Tensor{};
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
  const bool wide = !onednn.multiplies(op.x.dtype);
  const Tensor &x = op.x, &y = op.y;
  const Tensor& result = op.pre ? op.pre : y;
  const Operand weights = wide ? onednn.weights(work, op.w, Use::forward, Tensor::of(x.data, DType::f32, x.rows, x.cols),
                                                Tensor::of(y.data, DType::f32, y.rows, y.cols))
                               : onednn.weights(work, op.w, Use::forward, x, result);
  if (x.rows > kFewRows && onednn.in_panels(weights)) {
    const WidePanels panels = onednn.wide_panels(work, weights, x.rows);
    if (work.live()) kernels().wide_linear(op, panels);
    return;
  }
  if (!wide && op.act == Act::none && !op.pre) return plain(onednn, work, op, weights);
  // The argument goes to `pre`; or to y, where the activation then happens in place; or aside, when y holds the residual.
  const bool aside = wide || (!op.pre && op.residual && same_view(op.residual, y));
  const Tensor argument = aside ? work.take(x.rows, y.cols, wide ? DType::f32 : y.dtype) : result;
  onednn.multiply(work, {.a = wide ? widened(work, x) : x, .b = weights, .c = argument, .bias = op.b.as<float>()});
  if (!work.live()) return;
  kernels().activation(op.act, argument, op.residual, y);
  if (wide && op.pre) kernels().cast(argument, op.pre);
}

void input_grad(OneDnn& onednn, Workspace& work, const LinearInputGrad& op) {
  const bool wide = !onednn.multiplies(op.dy.dtype), linear = op.act == Act::none;
  const Tensor &dy = op.dy, &dx = op.dx;
  const Operand weights = wide ? onednn.weights(work, op.w, Use::input_grad, Tensor::of(dy.data, DType::f32, dy.rows, dy.cols),
                                                Tensor::of(dx.data, DType::f32, dx.rows, dx.cols))
                               : onednn.weights(work, op.w, Use::input_grad, dy, dx);
  if (dy.rows > kFewRows && onednn.in_panels(weights)) {
    const Tensor partials = op.dx_sum ? work.take(sum_chunks(dx.rows), dx.cols, DType::f32) : Tensor{};
    const WidePanels panels = onednn.wide_panels(work, weights, dy.rows);
    if (!work.live()) return;
    kernels().wide_input_grad(op, panels, partials);
    if (partials) kernels().add_partials(partials, op.dx_sum.as<float>(), op.accumulate);
    return;
  }
  if (!wide && linear) {
    const bool in_place = op.residual && same_view(op.residual, dx);
    onednn.multiply(work, {.a = dy, .b = weights, .c = dx, .addend = in_place ? Operand() : Operand(op.residual),
                           .accumulate = in_place});
    if (op.dx_sum) column_sums(work, dx, op.dx_sum, op.accumulate);
    return;
  }
  const Tensor product = wide ? work.take(dx.rows, dx.cols, DType::f32) : dx;
  onednn.multiply(work, {.a = wide ? widened(work, dy) : dy, .b = weights, .c = product});
  if (work.live()) {
    if (linear)
      kernels().activation(op.act, product, op.residual, dx);
    else
      kernels().activation_grad(op.act, op.pre, product, dx, op.hidden);
  }
  if (op.dx_sum) column_sums(work, dx, op.dx_sum, op.accumulate);
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
