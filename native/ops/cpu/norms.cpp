#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const LayerNorm& op) { kernels().layer_norm(op); }

void CpuBackend::run(const LayerNormGrad& op) {
  if (!op.dgamma) return kernels().layer_norm_grad(op, {});
  Arena arena = scratch_arena();
  const int64_t chunks = sum_chunks(op.x.rows);
  const Tensor partials = arena.take(2 * chunks, op.x.cols, DType::f32);
  kernels().layer_norm_grad(op, partials);
  kernels().add_partials(partials.row_range(0, chunks), op.dgamma.as<float>(), op.accumulate);
  kernels().add_partials(partials.row_range(chunks, chunks), op.dbeta.as<float>(), op.accumulate);
}

size_t CpuBackend::scratch(const LayerNormGrad& op) const {
  Arena arena = Arena::measuring();
  if (op.dgamma) arena.take(2 * sum_chunks(op.x.rows), op.x.cols, DType::f32);
  return arena.peak();
}

void CpuBackend::run(const L2Normalize& op) { kernels().l2_normalize(op); }
void CpuBackend::run(const L2NormalizeGrad& op) { kernels().l2_normalize_grad(op); }

}  // namespace cw
