// InfoNCE in tiles (pair_tiles.h): a kernel takes their statistics or makes the gradient.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/cpu/backend.h"
#include "ops/cpu/pair_tiles.h"

namespace cw {
namespace {

/// diagonal: of the tile's first column.
void read_diagonal(const PairTile& t, float* diagonal) {
  for (int64_t i = 0; i < t.rows; ++i)
    if (const int64_t j = t.diagonal + i; j >= 0 && j < t.cols) diagonal[j] = t.scale * t.dots[i * t.stride + j];
}

/// lse holds the maxima so far; nothing summed up gives -infinity.
void finish(float* lse, const float* sums, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    lse[i] = sums[i] == 0 ? -std::numeric_limits<float>::infinity() : lse[i] + std::log(sums[i]);
}

void start(float* maxima, float* sums, int64_t n) {
  std::fill_n(maxima, n, kNoMaximum);
  std::fill_n(sums, n, 0.0f);
}

void statistics(OneDnn& onednn, Workspace& work, const InfoNce& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(onednn, work, op);
  const int64_t blocks = (tiles.dots().rows + kPairRows - 1) / kPairRows;
  float* const block_max = work.take(blocks, tiles.dots().cols, DType::f32).as<float>();
  float* const block_sum = work.take(blocks, tiles.dots().cols, DType::f32).as<float>();
  float* const text_sums = work.take(1, m, DType::f32).as<float>();
  float* const image_sums = work.take(1, tiles.dots().cols, DType::f32).as<float>();
  float *const row_lse = op.row_lse.as<float>(), *const col_lse = op.col_lse.as<float>();
  if (work.live()) start(col_lse, text_sums, m);
  for_each_span(n, kPairCols, [&](Span i) {
    const Frame frame(work.arena());
    const PairImages images = tiles.images(i);
    if (work.live()) start(row_lse + i.first, image_sums, i.count);
    for_each_span(m, kTileRows, [&](Span j) {
      const PairTile tile = tiles.multiply(images, j);
      if (!work.live()) return;
      read_diagonal(tile, op.diagonal.as<float>() + i.first);
      kernels().pair_statistics(tile, {.row_max = col_lse + j.first,
                                       .row_sum = text_sums + j.first,
                                       .col_max = row_lse + i.first,
                                       .col_sum = image_sums,
                                       .block_max = block_max,
                                       .block_sum = block_sum});
    });
    if (work.live()) finish(row_lse + i.first, image_sums, i.count);
  });
  if (work.live()) finish(col_lse, text_sums, m);
}

void gradient(OneDnn& onednn, Workspace& work, const InfoNceGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(onednn, work, op);
  TiledGradient gradients(tiles, work, op);
  float* const row_dots = work.take(1, tiles.dots().rows, DType::f32).as<float>();
  const float weight = op.weight * gradients.loss_scale();
  double dlogit_scale = 0;
  for_each_span(n, kPairCols, [&](Span i) {
    const Frame frame(work.arena());
    const PairImages images = tiles.images(i, true);
    for_each_span(m, kTileRows, [&](Span j) {
      const PairTile tile = tiles.multiply(images, j);
      const Tensor part = gradients.part(images, j);
      if (work.live()) {
        kernels().pair_gradient(tile, {.data = part.data,
                                       .stride = part.stride,
                                       .bf16 = gradients.bf16(),
                                       .weight = weight,
                                       .row_lse = op.col_lse.as<float>() + j.first,
                                       .col_lse = op.row_lse.as<float>() + i.first,
                                       .row_dots = row_dots});
        for (int64_t r = 0; r < j.count; ++r) dlogit_scale += row_dots[r];
      }
      gradients.add(part, images, j);
    });
  });
  if (!work.live()) return;
  float& sum = *op.dlogit_scale.as<float>();
  sum = static_cast<float>(dlogit_scale) + (op.accumulate ? sum : 0);
}

}  // namespace

void CpuBackend::run(const InfoNce& op) {
  Workspace work = Workspace::over(scratch_arena());
  statistics(*onednn_, work, op);
}

size_t CpuBackend::scratch(const InfoNce& op) const {
  Workspace work = Workspace::measuring();
  statistics(*onednn_, work, op);
  return work.peak();
}

void CpuBackend::run(const InfoNceLoss& op) {
  const float *row_lse = op.row_lse.as<float>(), *col_lse = op.col_lse.as<float>() + op.row_offset;
  const float* diagonal = op.diagonal.as<float>();
  double sum = 0;
  for (int64_t i = 0; i < op.row_lse.cols; ++i)
    sum += double{row_lse[i]} + double{col_lse[i]} - 2 * double{diagonal[i]};
  float& loss = *op.loss.as<float>();
  loss = static_cast<float>(op.weight * sum) + (op.accumulate ? loss : 0);
}

void CpuBackend::run(const InfoNceGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  gradient(*onednn_, work, op);
}

size_t CpuBackend::scratch(const InfoNceGrad& op) const {
  Workspace work = Workspace::measuring();
  gradient(*onednn_, work, op);
  return work.peak();
}

}  // namespace cw
