// The sigmoid loss in tiles (pair_tiles.h): one pass over them gives its value and what the gradient weighs.
#include "ops/cpu/backend.h"
#include "ops/cpu/pair_tiles.h"

namespace cw {
namespace {

template <class Op>
float bias_of(const Op& op) {
  return op.logit_bias ? *op.logit_bias.template as<float>() : 0;
}

void write_sum(const Tensor& to, double sum, bool accumulate) {
  float& value = *to.as<float>();
  value = static_cast<float>(sum) + (accumulate ? value : 0);
}

double sum_of(const float* values, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += values[i];
  return sum;
}

void value(OneDnn& onednn, Workspace& work, const SigmoidLoss& op) {
  PairTiles tiles(onednn, work, op);
  float* const row_losses = work.take(1, tiles.dots().rows, DType::f32).as<float>();
  double sum = 0;
  for_each_span(op.image.rows, kPairCols, [&](Span i) {
    const Frame frame(work.arena());
    const PairImages images = tiles.images(i);
    for_each_span(op.text.rows, kTileRows, [&](Span j) {
      const PairTile tile = tiles.multiply(images, j);
      if (!work.live()) return;
      kernels().pair_sigmoid(tile, {.data = nullptr, .bias = bias_of(op), .row_losses = row_losses});
      sum += sum_of(row_losses, j.count);
    });
  });
  if (work.live()) write_sum(op.loss, op.weight * sum, op.accumulate);
}

void gradient(OneDnn& onednn, Workspace& work, const SigmoidLossGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(onednn, work, op);
  TiledGradient gradients(tiles, work, op);
  const auto row_vector = [&] { return work.take(1, tiles.dots().rows, DType::f32).as<float>(); };
  float *const row_losses = row_vector(), *const row_dots = row_vector(), *const row_sums = row_vector();
  const float weight = op.weight * gradients.loss_scale();
  double loss = 0, dlogit_scale = 0, dlogit_bias = 0;
  for_each_span(n, kPairCols, [&](Span i) {
    const Frame frame(work.arena());
    const PairImages images = tiles.images(i, true);
    for_each_span(m, kTileRows, [&](Span j) {
      const PairTile tile = tiles.multiply(images, j);
      const Tensor part = gradients.part(images, j);
      if (work.live()) {
        kernels().pair_sigmoid(tile, {.data = part.data,
                                      .stride = part.stride,
                                      .bf16 = gradients.bf16(),
                                      .weight = weight,
                                      .bias = bias_of(op),
                                      .row_losses = row_losses,
                                      .row_dots = row_dots,
                                      .row_sums = row_sums});
        loss += sum_of(row_losses, j.count);
        dlogit_scale += sum_of(row_dots, j.count);
        dlogit_bias += sum_of(row_sums, j.count);
      }
      gradients.add(part, images, j);
    });
  });
  if (!work.live()) return;
  write_sum(op.dlogit_scale, dlogit_scale, op.accumulate);
  if (op.dlogit_bias) write_sum(op.dlogit_bias, dlogit_bias, op.accumulate);
  if (op.loss) write_sum(op.loss, op.weight * loss, false);
}

}  // namespace

void CpuBackend::run(const SigmoidLoss& op) {
  Workspace work = Workspace::over(scratch_arena());
  value(*onednn_, work, op);
}

size_t CpuBackend::scratch(const SigmoidLoss& op) const {
  Workspace work = Workspace::measuring();
  value(*onednn_, work, op);
  return work.peak();
}

void CpuBackend::run(const SigmoidLossGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  gradient(*onednn_, work, op);
}

size_t CpuBackend::scratch(const SigmoidLossGrad& op) const {
  Workspace work = Workspace::measuring();
  gradient(*onednn_, work, op);
  return work.peak();
}

}  // namespace cw
