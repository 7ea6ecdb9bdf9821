// The gradient of a loss over pairs in two sweeps, for the rows' features and for the columns'. Where there are fewer tiles of
// rows than multiprocessors, columns are shared out and the parts added up, in order.
#pragma once
#include "ops/cuda/device/pair_sweep_grad.cuh"
#include "ops/cuda/kernels/pair_sweeps.h"

namespace cw {

/// Whether shared memory and registers hold the tiles of features this wide.
inline bool sweeps_gradient(const Card& card, const Tensor& features) {
  const int slices = slices_of(features);
  return features.dtype != DType::f32 && slices * kDepth <= kMostUnits * 16 * kSweepWarps && sweep_grad_bytes(slices) <= card.shared;
}

/// One of the two sweeps.
template <class Rule>
struct SweepSide {
  static constexpr int kSums = Rule::Weights::kSums;

  Tensor a, b;          // features, whole slices
  Tensor da;            // of a's
  PairLines lines;
  Rule rule;
  Tensor sums;          // [kSums, blocks], or empty

  int64_t tiles() const { return ceil_div(lines.rows, kGradTile); }
  int span(const Card& card) const {
    return span_of(lines.cols, kGradTile, card.multiprocessors / std::max<int64_t>(tiles(), 1));
  }
  /// At least one, which writes zeros where there are no columns.
  int64_t spans(const Card& card) const { return lines.cols > 0 ? ceil_div(lines.cols, span(card)) : 1; }
  int64_t blocks(const Card& card) const { return tiles() * spans(card); }
};

template <class T, int kUnits, class Rule>
void run_sweep(cudaStream_t stream, const Card& card, const SweepSide<Rule>& side, float* to) {
  const Tensor &a = side.a, &b = side.b, &sums = side.sums;
  const int slices = slices_of(a);
  const PairFeaturesView<T> features{a.as<const T>(), b.as<const T>(), static_cast<int>(a.stride), static_cast<int>(b.stride),
                                     slices, side.span(card)};
  const dim3 grid{static_cast<unsigned>(side.tiles()), static_cast<unsigned>(side.spans(card))};
  launch(stream, {"pair_sweep_grad", grid, kSweepThreads, sweep_grad_bytes(slices)}, pair_sweep_grad_kernel<T, kUnits, Rule>,
         features, side.lines, side.rule, to, static_cast<int>(side.da.cols), sums.as<float>());
}

/// Sweeps, and adds up the parts of side.da.
template <class Rule>
void gradient(Workspace& work, cudaStream_t stream, const Card& card, const SweepSide<Rule>& side) {
  const Frame frame(work.arena());
  const int64_t spans = side.spans(card);
  const Tensor parts = spans > 1 ? work.take(spans, side.lines.rows * side.da.cols, DType::f32) : side.da;
  if (!work.live()) return;
  by_half_type(side.a.dtype, [&]<class T>() {
    switch (ceil_div(slices_of(side.a) * kDepth, 16 * kSweepWarps)) {
      case 1: return run_sweep<T, 1>(stream, card, side, parts.as<float>());
      case 2: return run_sweep<T, 2>(stream, card, side, parts.as<float>());
      case 3: return run_sweep<T, 3>(stream, card, side, parts.as<float>());
      default: return run_sweep<T, kMostUnits>(stream, card, side, parts.as<float>());
    }
  });
  if (spans > 1) add_parts(stream, parts, side.da);
}

}  // namespace cw
