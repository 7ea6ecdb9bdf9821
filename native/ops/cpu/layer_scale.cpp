#include "ops/cpu/backend.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels/table.h"

namespace cw {
namespace {

void backward(Workspace& work, const LayerScaleGrad& op) {
  const Tensor partials = op.dgamma ? work.take(sum_chunks(op.x.rows), op.x.cols, DType::f32) : Tensor{};
  if (work.live()) {
    kernels().layer_scale_grad(op, partials);
    if (op.dgamma) kernels().add_partials(partials, op.dgamma.as<float>(), op.accumulate);
  }
  if (op.dx_sum) column_sums(work, op.dx, op.dx_sum, op.accumulate);
}

}  // namespace

void CpuBackend::run(const LayerScale& op) { kernels().layer_scale(op); }

void CpuBackend::run(const LayerScaleGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, op);
}

size_t CpuBackend::scratch(const LayerScaleGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, op);
  return work.peak();
}

}  // namespace cw
