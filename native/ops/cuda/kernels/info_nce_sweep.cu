// info_nce of 16-bit features in one sweep: no logit leaves its registers. What blocks found of each row and column is
// merged by a kernel of its own, in their order.
#include "ops/cuda/device/info_nce_rule.cuh"
#include "ops/cuda/device/pair_sweep.cuh"
#include "ops/cuda/kernels/pair_sweeps.h"

namespace cw {
namespace {

constexpr int kMergeThreads = 128;

struct LineStatistics {
  LinePartials partials;
  int64_t parts;
  float* lse;
};

__device__ inline void merge_parts(const LineStatistics& s, int64_t i) {
  float largest = -INFINITY, sum = 0;
  for (int64_t p = 0; p < s.parts; ++p) largest = fmaxf(largest, s.partials.max[s.partials.at(p, i)]);
  const float reference = reference_of(largest);
  for (int64_t p = 0; p < s.parts; ++p) {
    const int64_t at = s.partials.at(p, i);
    sum = fmaf(s.partials.sum[at], power_of_2(s.partials.max[at] - reference), sum);
  }
  s.lse[i] = (reference + log2f(sum)) * kLog2;  // nothing counted: -infinity
}

__global__ void merge_sweep_kernel(LineStatistics rows, LineStatistics cols) {
  const int64_t i = first_thread();
  if (i < rows.partials.lines)
    merge_parts(rows, i);
  else if (i - rows.partials.lines < cols.partials.lines)
    merge_parts(cols, i - rows.partials.lines);
}

LineStatistics take_statistics(Workspace& work, int64_t parts, int64_t lines, const Tensor& lse) {
  const Tensor max = work.take(parts, lines, DType::f32), sum = work.take(parts, lines, DType::f32);
  return {{max.as<float>(), sum.as<float>(), lines}, parts, lse.as<float>()};
}

template <int kTiles>
void statistics(Workspace& work, cudaStream_t stream, const Card& card, const InfoNce& op) {
  constexpr int kRows = 16 * kTiles;
  const int64_t n = op.image.rows, m = op.text.rows;
  const int64_t tiles = ceil_div(n, kRows), rounds = std::max<int64_t>(ceil_div(tiles, card.multiprocessors), 1);
  const int64_t workers = ceil_div(tiles, rounds);
  const int span = span_of(m, kSweepCols, card.multiprocessors / std::max<int64_t>(workers, 1));
  const int64_t spans = m > 0 ? ceil_div(m, span) : 0;
  const Frame frame(work.arena());
  const LineStatistics rows = take_statistics(work, spans, n, op.row_lse), cols = take_statistics(work, workers, m, op.col_lse);
  const Tensor image = whole_slices(work, stream, op.image), text = whole_slices(work, stream, op.text);
  if (!work.live()) return;
  const auto* groups = op.groups.as<const int32_t>();
  const PairLines lines{.rows = static_cast<int>(n),
                        .cols = static_cast<int>(m),
                        .diagonal = op.row_offset,
                        .row_groups = groups ? groups + op.row_offset : nullptr,
                        .col_groups = groups};
  const InfoNceStatistics rule{op.logit_scale.as<const float>(), op.diagonal.as<float>(), rows.partials, cols.partials};
  const int slices = slices_of(op.image);
  const dim3 grid{static_cast<unsigned>(workers), static_cast<unsigned>(spans)};
  by_half_type(op.image.dtype, [&]<class T>() {
    const PairFeaturesView<T> features{image.as<const T>(), text.as<const T>(), image.stride, text.stride, slices, span};
    launch(stream, {"pair_sweep", grid, kSweepThreads, sweep_bytes(kRows, slices)},
           pair_sweep_kernel<T, kTiles, InfoNceStatistics>, features, lines, rule);
  });
  launch(stream, {"merge_sweep", blocks_for(n + m, kMergeThreads), kMergeThreads}, merge_sweep_kernel, rows, cols);
}

}  // namespace

bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const InfoNce& op) {
  if (op.image.dtype == DType::f32) return false;
  const int slices = slices_of(op.image);
  if (sweep_bytes(128, slices) <= card.shared)
    statistics<8>(work, stream, card, op);
  else if (sweep_bytes(64, slices) <= card.shared)
    statistics<4>(work, stream, card, op);
  else
    return false;
  return true;
}

}  // namespace cw
