#include <cmath>

#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"
#include "ops/loss_scale.h"

namespace cw {
namespace {

int64_t norm_blocks(const Segment& s) { return (s.count + kNormBlock - 1) / kNormBlock; }

int64_t norm_blocks(const Segments& s) {
  int64_t blocks = 0;
  for (int64_t i = 0; i < s.count; ++i) blocks += norm_blocks(s.items[i]);
  return blocks;
}

/// `each` doubles a block.
double* take_sums(Arena& arena, const Segments& s, int64_t each = 1) {
  return arena.take(1, 2 * each * norm_blocks(s), DType::f32).as<double>();  // a double is two floats long
}

/// lamb's, over the updates that lamb_moments measured.
float* take_ratios(Arena& arena, const Segments& s) { return arena.take(1, s.count, DType::f32).as<float>(); }

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
  const float most = control(op.control, Control::max_loss);
  const bool finite = std::isfinite(norm), jumped = op.loss && most > 0 && !(*op.loss.as<float>() <= most);
  control(op.control, Control::skip) = !finite ? 1.0f : jumped ? 2.0f : 0.0f;
  control(op.control, Control::step) += finite && !jumped ? 1.0f : 0.0f;
  control(op.control, Control::clip) = (limit > 0 && norm > limit ? limit / norm : 1.0f) / loss_scale;
}

void CpuBackend::run(const UpdateLossScale& op) {
  next_loss_scale(op.control.as<float>(), op.loss_scale.as<float>(), static_cast<float>(op.growth_interval));
}

size_t CpuBackend::scratch(const OptimizerStep& op) const {
  if (op.rule != Rule::lamb) return 0;
  Arena arena = Arena::measuring();
  take_sums(arena, op.segments, 2);
  take_ratios(arena, op.segments);
  return arena.peak();
}

void CpuBackend::run(const OptimizerStep& op) {
  if (control(op.control, Control::skip) != 0) return;
  if (op.rule != Rule::lamb) return kernels().optimizer_step(op, nullptr);
  Arena arena = scratch_arena();
  double* sums = take_sums(arena, op.segments, 2);
  float* ratios = take_ratios(arena, op.segments);
  kernels().lamb_moments(op, sums);
  for (int64_t s = 0; s < op.segments.count; ++s) {
    double values = 0, updates = 0;
    for (int64_t b = 0; b < norm_blocks(op.segments.items[s]); ++b, sums += 2) {
      values += sums[0];
      updates += sums[1];
    }
    ratios[s] = values > 0 && updates > 0 ? static_cast<float>(std::sqrt(values / updates)) : 1.0f;
  }
  kernels().optimizer_step(op, ratios);
}

}  // namespace cw
