// LinearWeightGrad: dw (+)= dyᵀ·x and the column sums of dy.
#include <algorithm>

#include "ops/cpu/backend.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/onednn.h"
#include "ops/cpu/widen.h"

namespace cw {
namespace {

/// From here on, packing the right side, and transposing a left one of bf16, costs less than it saves.
constexpr int64_t kPackRows = 256;
constexpr int64_t kPackCols = 64;

bool worth_packing(const Tensor& left, const Tensor& right) {
  return left.rows >= kPackRows && std::min(left.cols, right.cols) >= kPackCols;
}

void bias_grad(Workspace& work, const LinearWeightGrad& op) { column_sums(work, op.dy, op.db, op.accumulate); }

void weight_grad(OneDnn& onednn, Workspace& work, const LinearWeightGrad& op) {
  if (!onednn.multiplies(op.x.dtype)) {
    LinearWeightGrad wide = op;
    wide.dy = widened(work, op.dy);
    wide.x = widened(work, op.x);
    return weight_grad(onednn, work, wide);
  }
  if (!op.dw) {
    if (op.db) bias_grad(work, op);
    return;
  }
  const Tensor& left = op.input_major ? op.x : op.dy;  // dw's rows are its columns
  const Tensor& right = op.input_major ? op.dy : op.x;
  const bool f32 = left.dtype == DType::f32, worth = worth_packing(left, right);
  if (f32 || !worth) {
    if (op.db) bias_grad(work, op);
    const bool packs = worth && f32 && onednn.packs_f32() && left.contiguous();
    onednn.multiply(work, {.a = Operand(left).transposed(), .b = packs ? onednn.pack(work, right) : Operand(right), .c = op.dw,
                           .accumulate = op.accumulate});
    return;
  }
  // Reading dy once serves its transposition and the bias gradient.
  const bool sums_with_transposition = op.db && !op.input_major;
  if (op.db && op.input_major) bias_grad(work, op);
  // Dense: with padded rows and a packed right side oneDNN 3.2 falls back to its reference matmul.
  const Tensor turned = work.take(left.cols, left.rows, left.dtype);  // [I or O, T]
  const Tensor partials = sums_with_transposition ? work.take(sum_chunks(left.rows), left.cols, DType::f32) : Tensor{};
  if (work.live()) {
    kernels().transpose(left, turned, partials);
    if (sums_with_transposition) kernels().add_partials(partials, op.db.as<float>(), op.accumulate);
  }
  const Operand packed = onednn.pack(work, right);
  onednn.multiply(work, {.a = turned, .b = packed, .c = op.dw, .accumulate = op.accumulate});
}

}  // namespace

void CpuBackend::run(const LinearWeightGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  weight_grad(*onednn_, work, op);
}

size_t CpuBackend::scratch(const LinearWeightGrad& op) const {
  Workspace work = Workspace::measuring();
  weight_grad(*onednn_, work, op);
  return work.peak();
}

}  // namespace cw
