// LinearWeightGrad: dw (+)= dyᵀ·x and the column sums of dy.
#include <algorithm>

#include "ops/cpu/backend.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/onednn.h"
#include "ops/cpu/widen.h"

namespace cw {
namespace {

/// From here on, packing the right side, and turning the left one, costs less than it saves.
constexpr int64_t kPackRows = 256;
constexpr int64_t kPackCols = 64;
/// Rows of f32 that are turned and packed at a time. More sums in dw cost less than copies that are as large as the batch.
constexpr int64_t kCopiedRows = 2048;

bool worth_packing(const Tensor& left, const Tensor& right) {
  return left.rows >= kPackRows && std::min(left.cols, right.cols) >= kPackCols;
}

void bias_grad(Workspace& work, const LinearWeightGrad& op) { column_sums(work, op.dy, op.db, op.accumulate); }

/// As left and right lie: oneDNN turns the left side as it goes.
void plain(OneDnn& onednn, Workspace& work, const LinearWeightGrad& op, const Tensor& left, const Operand& right) {
  if (op.db) bias_grad(work, op);
  onednn.multiply(work, {.a = Operand(left).transposed(), .b = right, .c = op.dw, .accumulate = op.accumulate});
}

/// Reading the left side once serves the product and, where that side is dy, the bias gradient: body is given where sums of its
/// columns go, by chunks of kSumRows rows.
template <class Body>
void with_bias_grad(Workspace& work, const LinearWeightGrad& op, const Tensor& left, Body&& body) {
  if (op.db && op.input_major) bias_grad(work, op);
  const bool too = op.db && !op.input_major;
  const Tensor partials = too ? work.take(sum_chunks(left.rows), left.cols, DType::f32) : Tensor{};
  body(partials);
  if (too && work.live()) kernels().add_partials(partials, op.db.as<float>(), op.accumulate);
}

/// With a left side that is turned before, which a product reads fastest, and a packed right one, both of type `type`.
void turned(OneDnn& onednn, Workspace& work, const LinearWeightGrad& op, const Tensor& left, const Tensor& right, DType type) {
  const int64_t parts = type == DType::f32 ? (left.rows + kCopiedRows - 1) / kCopiedRows : 1;
  const int64_t most = sum_chunks((left.rows + parts - 1) / parts) * kSumRows;
  with_bias_grad(work, op, left, [&](const Tensor& partials) {
    for (int64_t first = 0; first < left.rows; first += most) {
      const Frame frame(work.arena());
      const int64_t n = std::min(most, left.rows - first);
      // Dense: with padded rows and a packed right side oneDNN 3.2 falls back to its reference matmul.
      const Tensor copy = work.take(left.cols, n, type);  // [I or O, n]
      if (work.live())
        kernels().transpose(left.row_range(first, n), copy,
                            partials ? partials.row_range(first / kSumRows, sum_chunks(n)) : Tensor{});
      const Operand packed = onednn.pack(work, right.row_range(first, n));
      onednn.multiply(work, {.a = copy, .b = packed, .c = op.dw, .accumulate = op.accumulate || first > 0});
    }
  });
}

/// Of 16-bit values that are multiplied in f32: the left side is widened, and needs no turning, a part at a time.
void wide(OneDnn& onednn, Workspace& work, const LinearWeightGrad& op, const Tensor& left, const Tensor& right) {
  with_bias_grad(work, op, left, [&](const Tensor& partials) {
    const WidePanels panels = onednn.wide_panels(work, onednn.pack(work, right), left.cols);
    if (work.live()) kernels().wide_weight_grad(left, panels, op.dw, op.accumulate, partials);
  });
}

void weight_grad(OneDnn& onednn, Workspace& work, const LinearWeightGrad& op) {
  if (!op.dw) {
    if (op.db) bias_grad(work, op);
    return;
  }
  const Tensor& left = op.input_major ? op.x : op.dy;  // dw's rows are its columns
  const Tensor& right = op.input_major ? op.dy : op.x;
  const bool as_it_is = onednn.multiplies(left.dtype);
  const DType type = as_it_is ? left.dtype : DType::f32;
  const bool f32 = type == DType::f32;
  if (!worth_packing(left, right) || (as_it_is && f32 && !OneDnn::reads_panels())) {
    if (as_it_is) return plain(onednn, work, op, left, right);
    return plain(onednn, work, op, widened(work, left), widened(work, right));
  }
  // A left side of f32 that is the wider one costs as much to turn as its product gains.
  if (as_it_is && f32 && left.cols > right.cols && left.contiguous())
    return plain(onednn, work, op, left, onednn.pack(work, right));
  if (!as_it_is && onednn.packs_panels(right.rows, right.cols, DType::f32)) return wide(onednn, work, op, left, right);
  turned(onednn, work, op, left, right, type);
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
