#include "ops/cpu/backend.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels/table.h"

namespace cw {
namespace {

void backward(Workspace& work, const LayerNormGrad& op) {
  const int64_t chunks = sum_chunks(op.x.rows);
  const Tensor partials = op.dgamma ? work.take(2 * chunks, op.x.cols, DType::f32) : Tensor{};
  if (work.live()) {
    kernels().layer_norm_grad(op, partials);
    if (op.dgamma) {
      kernels().add_partials(partials.row_range(0, chunks), op.dgamma.as<float>(), op.accumulate);
      kernels().add_partials(partials.row_range(chunks, chunks), op.dbeta.as<float>(), op.accumulate);
    }
  }
  if (op.dx_sum) column_sums(work, op.dx, op.dx_sum, op.accumulate);
}

}  // namespace

void CpuBackend::run(const LayerNorm& op) { kernels().layer_norm(op); }

void CpuBackend::run(const LayerNormGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, op);
}

size_t CpuBackend::scratch(const LayerNormGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, op);
  return work.peak();
}

void CpuBackend::run(const L2Normalize& op) { kernels().l2_normalize(op); }
void CpuBackend::run(const L2NormalizeGrad& op) { kernels().l2_normalize_grad(op); }

}  // namespace cw
