#include <cmath>

#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"
#include "ops/loss_scale.h"

namespace cw {
namespace {

int64_t norm_blocks(const Segments& s) {
  int64_t blocks = 0;
  for (int64_t i = 0; i < s.count; ++i) blocks += (s.items[i].count + kNormBlock - 1) / kNormBlock;
  return blocks;
}

/// One double a block.
double* take_sums(Arena& arena, const Segments& s) {
  return arena.take(1, 2 * norm_blocks(s), DType::f32).as<double>();  // a double is two floats long
}

float& control(const Tensor& t, Control c) { return t.as<float>()[static_cast<int>(c)]; }

}  // namespace

size_t CpuBackend::scratch(const GradNorm& op) const {
  Arena arena = Arena::measuring();
  take_sums(arena, op.segments);
  return arena.peak();
}

void CpuBackend::run(const GradNorm& op) {
  const int64_t blocks = norm_blocks(op.segments);
  Arena arena = scratch_arena();
  double* sums = take_sums(arena, op.segments);
  kernels().squares(op.segments, sums);
  double square = 0;
  for (int64_t i = 0; i < blocks; ++i) square += sums[i];
  const float loss_scale = op.loss_scale ? *op.loss_scale.as<float>() : 1, limit = control(op.control, Control::max_norm);
  const auto norm = static_cast<float>(std::sqrt(square) / loss_scale);
  control(op.control, Control::norm) = norm;
  control(op.control, Control::skip) = std::isfinite(norm) ? 0.0f : 1.0f;
  control(op.control, Control::step) += std::isfinite(norm) ? 1.0f : 0.0f;
  control(op.control, Control::clip) = (limit > 0 && norm > limit ? limit / norm : 1.0f) / loss_scale;
}

void CpuBackend::run(const UpdateLossScale& op) {
  next_loss_scale(op.control.as<float>(), op.loss_scale.as<float>(), static_cast<float>(op.growth_interval));
}

void CpuBackend::run(const OptimizerStep& op) { kernels().optimizer_step(op); }

}  // namespace cw
