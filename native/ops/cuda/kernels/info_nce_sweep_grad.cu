// info_nce_grad of 16-bit features in two sweeps, for dimage and for dtext. Where there are fewer tiles of rows than
// multiprocessors, columns are shared out and the parts added up, in order.
#include "ops/cuda/device/info_nce_rule.cuh"
#include "ops/cuda/device/pair_sweep_grad.cuh"
#include "ops/cuda/kernels/pair_sweeps.h"

namespace cw {
namespace {

constexpr int kAddThreads = 256;

/// y[i] = Σ parts[·][i]
__global__ void add_parts_kernel(const float* parts, int64_t count, int64_t size, float* y) {
  const int64_t i = first_thread();
  if (i >= size) return;
  float sum = 0;
  for (int64_t p = 0; p < count; ++p) sum += parts[p * size + i];
  y[i] = sum;
}

/// One of the two sweeps.
struct Side {
  Tensor a, b;          // features, whole slices
  Tensor da;            // of a's
  PairLines lines;
  InfoNceGradients rule;
  Tensor sums;          // of each block, or empty

  int64_t tiles() const { return ceil_div(lines.rows, kGradTile); }
  int span(const Card& card) const {
    return span_of(lines.cols, kGradTile, card.multiprocessors / std::max<int64_t>(tiles(), 1));
  }
  /// At least one, which writes zeros where there are no columns.
  int64_t spans(const Card& card) const { return lines.cols > 0 ? ceil_div(lines.cols, span(card)) : 1; }
  int64_t blocks(const Card& card) const { return tiles() * spans(card); }
};

template <class T, int kUnits>
void run(cudaStream_t stream, const Card& card, const Side& side, float* to) {
  const int slices = slices_of(side.a);
  const PairFeaturesView<T> features{side.a.as<const T>(), side.b.as<const T>(), side.a.stride, side.b.stride, slices,
                                     side.span(card)};
  const dim3 grid{static_cast<unsigned>(side.tiles()), static_cast<unsigned>(side.spans(card))};
  launch(stream, {"pair_sweep_grad", grid, kSweepThreads, sweep_grad_bytes(slices)},
         pair_sweep_grad_kernel<T, kUnits, InfoNceGradients>, features, side.lines, side.rule, to,
         static_cast<int>(side.da.cols), side.sums.as<float>());
}

void gradient(Workspace& work, cudaStream_t stream, const Card& card, const Side& side) {
  const Frame frame(work.arena());
  const int64_t spans = side.spans(card);
  const Tensor parts = spans > 1 ? work.take(spans, side.lines.rows * side.da.cols, DType::f32) : side.da;
  if (!work.live()) return;
  by_half_type(side.a.dtype, [&]<class T>() {
    switch (ceil_div(slices_of(side.a) * kDepth, 16 * kSweepWarps)) {
      case 1: return run<T, 1>(stream, card, side, parts.as<float>());
      case 2: return run<T, 2>(stream, card, side, parts.as<float>());
      case 3: return run<T, 3>(stream, card, side, parts.as<float>());
      default: return run<T, kMostUnits>(stream, card, side, parts.as<float>());
    }
  });
  if (spans > 1)
    launch(stream, {"add_parts", blocks_for(parts.cols, kAddThreads), kAddThreads}, add_parts_kernel, parts.as<const float>(),
           spans, parts.cols, side.da.as<float>());
}

}  // namespace

bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const InfoNceGrad& op) {
  const int slices = slices_of(op.image);
  if (op.image.dtype == DType::f32 || slices * kDepth > kMostUnits * 16 * kSweepWarps || sweep_grad_bytes(slices) > card.shared)
    return false;
  const auto* groups = op.groups.as<const int32_t>();
  const auto* own_groups = groups ? groups + op.row_offset : nullptr;
  const auto *row_lse = op.row_lse.as<const float>(), *col_lse = op.col_lse.as<const float>();
  const int n = static_cast<int>(op.image.rows), m = static_cast<int>(op.text.rows);
  const auto rule = [&](const float* rows, const float* cols) {
    return InfoNceGradients{op.logit_scale.as<const float>(), op.loss_scale.as<const float>(), rows, cols, op.weight};
  };
  const Tensor image = whole_slices(work, stream, op.image), text = whole_slices(work, stream, op.text);
  Side images{image, text, op.dimage, {n, m, op.row_offset, own_groups, groups}, rule(row_lse, col_lse), {}};
  const Side texts{text, image, op.dtext, {m, n, -op.row_offset, groups, own_groups}, rule(col_lse, row_lse), {}};
  images.sums = work.take(1, images.blocks(card), DType::f32);
  gradient(work, stream, card, images);
  gradient(work, stream, card, texts);
  if (work.live()) add_sums(stream, images.sums, op.dlogit_scale, op.accumulate);
  return true;
}

}  // namespace cw
