// Losses over pairs of 16-bit features by sweeps (device/pair_sweep.cuh), where a card's shared memory holds their tiles: what
// info_nce.cu, info_nce_grad.cu and sigmoid_loss.cu ask first. Everything else goes through the tiles of pair_tiles.h.
#pragma once
#include <algorithm>

#include "ops/cuda/device/pair_lines.cuh"
#include "ops/cuda/products.h"
#include "ops/ops.h"

namespace cw {

struct Card {
  int multiprocessors;
  size_t shared;  // bytes that a block may have
};

/// False, and nothing done, where it does not fit.
bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const InfoNce& op);
bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const InfoNceGrad& op);

bool sweep(Workspace& work, cudaStream_t stream, const Card& card, const SigmoidLossGrad& op);

// pair_sums.cu
/// y (+)= Σ sums
void add_sums(cudaStream_t stream, const Tensor& sums, const Tensor& y, bool accumulate);
/// y = Σ parts, in the order of the rows of parts.
void add_parts(cudaStream_t stream, const Tensor& parts, const Tensor& y);

inline int slices_of(const Tensor& features) { return static_cast<int>(ceil_div(features.cols, kDepth)); }

/// Features whose rows are whole slices and begin at multiples of 16 bytes.
inline Tensor whole_slices(Workspace& work, cudaStream_t stream, const Tensor& features) {
  if (features.cols % kDepth == 0 && rows_aligned(features)) return features;
  const Tensor padded = work.take(features.rows, int64_t{slices_of(features)} * kDepth, features.dtype);
  if (work.live()) padded_copy(stream, features, padded);
  return padded;
}

/// So many columns a block, in whole steps, that `blocks` share them evenly.
inline int span_of(int64_t cols, int64_t step, int64_t blocks) {
  const int64_t steps = ceil_div(cols, step);
  return static_cast<int>(ceil_div(steps, blocks < 1 ? 1 : blocks) * step);
}

/// Calls body.operator()<T>() with bf16 or f16.
template <class Body>
void by_half_type(DType type, Body&& body) {
  if (type == DType::bf16) return body.template operator()<bf16>();
  body.template operator()<f16>();
}

}  // namespace cw
