// info_nce and info_nce_loss. 16-bit features go through a sweep where they fit (info_nce_sweep.cu). In f32 and for wider
// features products come in tiles: a tile's statistics are taken in two stages: each block finds the maxima and the sums of
// exponentials of its part of rows and columns; then they are merged, in the order of the blocks, into what earlier tiles
// left. Row and column have references of their own, so that no logit is too large and no sum is lost.
#include "ops/cuda/backend.h"
#include "ops/cuda/kernels/pair_sweeps.h"
#include "ops/cuda/kernels/pair_tiles.h"

namespace cw {
namespace {

constexpr int kMergeThreads = 128;
constexpr int kLossThreads = 1024;

/// What exponents of a line are taken against; any number does where nothing counts.
__device__ inline float reference_of(float largest) { return largest == -INFINITY ? 0.0f : largest; }

/// Maxima and sums that blocks found: [parts, lines], a block of lines each.
struct Partial {
  float *max, *sum;
  int64_t stride;
};

__global__ void __launch_bounds__(kPairThreads)
    pair_statistics_kernel(PairTile t, Partial rows, Partial cols, float* diagonal) {
  CW_SHARED(float, of_warp, [kPairWarps][kBlockCols]);
  CW_SHARED(float, references, [kBlockCols]);
  const PairPlace place;
  const float scale = expf(*t.logit_scale);
  float logits[kRowsOfWarp][kLaneCols];
#pragma unroll
  for (int r = 0; r < kRowsOfWarp; ++r) {
    const int row = place.row(r);
    if (row >= t.rows) {
#pragma unroll
      for (int k = 0; k < kLaneCols; ++k) logits[r][k] = -INFINITY;
      continue;
    }
    load_dots(t, place, row, logits[r]);
#pragma unroll
    for (int k = 0; k < kLaneCols; ++k) {
      const int col = place.col(k);
      logits[r][k] = counts(t, row, col) ? scale * logits[r][k] : -INFINITY;
      if (col < t.cols && t.diagonal + row == col) diagonal[row] = logits[r][k];
    }
  }

#pragma unroll
  for (int r = 0; r < kRowsOfWarp; ++r) {
    float largest = -INFINITY, sum = 0;
#pragma unroll
    for (int k = 0; k < kLaneCols; ++k) largest = fmaxf(largest, logits[r][k]);
    largest = reduce_warp<Max>(largest);
    const float reference = reference_of(largest);
#pragma unroll
    for (int k = 0; k < kLaneCols; ++k) sum += expf(logits[r][k] - reference);
    sum = reduce_warp(sum);
    if (place.lane == 0 && place.row(r) < t.rows) {
      rows.max[blockIdx.x * rows.stride + place.row(r)] = largest;
      rows.sum[blockIdx.x * rows.stride + place.row(r)] = sum;
    }
  }

#pragma unroll
  for (int k = 0; k < kLaneCols; ++k) {
    float largest = -INFINITY;
#pragma unroll
    for (int r = 0; r < kRowsOfWarp; ++r) largest = fmaxf(largest, logits[r][k]);
    of_warp[place.warp][place.block_col(k)] = largest;
  }
  __syncthreads();
  const int own = threadIdx.x;  // a column of the block
  float largest = -INFINITY;
#pragma unroll
  for (int w = 0; w < kPairWarps; ++w) largest = fmaxf(largest, of_warp[w][own]);
  references[own] = reference_of(largest);
  __syncthreads();
#pragma unroll
  for (int k = 0; k < kLaneCols; ++k) {
    float sum = 0;
#pragma unroll
    for (int r = 0; r < kRowsOfWarp; ++r) sum += expf(logits[r][k] - references[place.block_col(k)]);
    of_warp[place.warp][place.block_col(k)] = sum;
  }
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kPairWarps; ++w) sum += of_warp[w][own];
  const int col = static_cast<int>(blockIdx.x) * kBlockCols + own;
  if (col >= t.cols) return;
  cols.max[blockIdx.y * cols.stride + col] = largest;
  cols.sum[blockIdx.y * cols.stride + col] = sum;
}
static_assert(kPairThreads == kBlockCols, "a thread for each column");

/// Rows or columns of a tile, and what earlier tiles left of them: maxima in lse, sums.
struct Lines {
  int64_t count;
  Partial partial;
  int64_t parts;
  float *lse, *sums;
  bool first, last;  // tile of these lines
};

__device__ inline void merge_line(const Lines& l, int64_t i) {
  const float before = l.first ? -INFINITY : l.lse[i];
  float largest = before;
  for (int64_t p = 0; p < l.parts; ++p) largest = fmaxf(largest, l.partial.max[p * l.partial.stride + i]);
  const float reference = reference_of(largest);
  float sum = l.first ? 0.0f : l.sums[i] * expf(before - reference);
  for (int64_t p = 0; p < l.parts; ++p) {
    const int64_t at = p * l.partial.stride + i;
    sum = fmaf(l.partial.sum[at], expf(l.partial.max[at] - reference), sum);
  }
  l.lse[i] = l.last ? reference + logf(sum) : largest;  // nothing counted: -infinity
  l.sums[i] = sum;
}

__global__ void merge_kernel(Lines rows, Lines cols) {
  const int64_t i = first_thread();
  if (i < rows.count)
    merge_line(rows, i);
  else if (i - rows.count < cols.count)
    merge_line(cols, i - rows.count);
}

__global__ void loss_kernel(const float* row_lse, const float* col_lse, const float* diagonal, int64_t count, float weight,
                            float* loss, bool accumulate) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kLossThreads)
    sum += static_cast<double>(row_lse[i]) + static_cast<double>(col_lse[i]) - 2 * static_cast<double>(diagonal[i]);
  sum = reduce_block(sum);
  if (threadIdx.x == 0) *loss = static_cast<float>(weight * sum + (accumulate ? *loss : 0.0f));
}

Partial take_partial(Workspace& work, int64_t parts, int64_t lines) {
  const Tensor max = work.take(parts, lines, DType::f32), sum = work.take(parts, lines, DType::f32);
  return {max.as<float>(), sum.as<float>(), lines};
}

void statistics(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const InfoNce& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(products, work, stream, multiprocessors, op);
  const Tensor tile = tiles.dots();
  const Partial row_parts = take_partial(work, ceil_div(tile.cols, kBlockCols), tile.rows);
  const Partial col_parts = take_partial(work, ceil_div(tile.rows, kBlockRows), tile.cols);
  float* const row_sums = work.take(1, tile.rows, DType::f32).as<float>();
  float* const col_sums = work.take(1, m, DType::f32).as<float>();
  tiles.for_each_span(n, [&](Span i) {
    const Frame frame(work.arena());
    const Tensor image = tiles.features(op.image, i);
    tiles.for_each_span(m, [&](Span j) {
      const Frame frame(work.arena());
      const PairTile t = tiles.multiply(image, i, tiles.features(op.text, j), j);
      if (!work.live()) return;
      const dim3 grid = pair_grid(i.count, j.count);
      launch(stream, {"pair_statistics", grid, kPairThreads}, pair_statistics_kernel, t, row_parts, col_parts,
             op.diagonal.as<float>() + i.first);
      const Lines rows{.count = i.count, .partial = row_parts, .parts = grid.x, .lse = op.row_lse.as<float>() + i.first,
                       .sums = row_sums, .first = j.first == 0, .last = j.first + j.count == m};
      const Lines cols{.count = j.count, .partial = col_parts, .parts = grid.y, .lse = op.col_lse.as<float>() + j.first,
                       .sums = col_sums + j.first, .first = i.first == 0, .last = i.first + i.count == n};
      launch(stream, {"merge_statistics", blocks_for(i.count + j.count, kMergeThreads), kMergeThreads}, merge_kernel, rows, cols);
    });
  });
}

}  // namespace

void CudaBackend::execute(const InfoNce& op) {
  Workspace work = Workspace::over(scratch_arena());
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) statistics(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const InfoNce& op) const {
  Workspace work = Workspace::measuring();
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) statistics(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

void CudaBackend::execute(const InfoNceLoss& op) {
  launch(stream(), {"info_nce_loss", 1, kLossThreads}, loss_kernel, op.row_lse.as<float>(),
         op.col_lse.as<float>() + op.row_offset, op.diagonal.as<float>(), op.row_lse.cols, op.weight, op.loss.as<float>(),
         op.accumulate);
}

}  // namespace cw
