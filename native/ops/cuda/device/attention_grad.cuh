// What the backward kernels of attention share.
#pragma once
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/launch.h"

namespace cw {

/// What the backward kernels are given.
template <class T>
struct AttentionGradArguments {
  View<const T> q, k, v, y, dy;
  View<T> dq, dk, dv;
  const float* lse;  // [heads, q.rows]
  float* delta;      // [heads, q.rows]
  AttentionGrid grid;
  int rows;      // of a block
  bool with_dq;  // by keys: dq as well

  __device__ int64_t statistic(int head, int64_t row) const { return head * q.rows + row; }
};

template <class T>
AttentionGradArguments<T> attention_grad_arguments(const AttentionGrad& op, const Tensor& delta, int tiles, int rows,
                                                   bool with_dq = false) {
  AttentionGrid grid = attention_grid(op, tiles);
  for (const Tensor& x : {op.dy, op.dq, op.dk, op.dv}) grid.aligned = grid.aligned && rows_aligned(x);
  return {.q = view<const T>(op.q),
          .k = view<const T>(op.k),
          .v = view<const T>(op.v),
          .y = view<const T>(op.y),
          .dy = view<const T>(op.dy),
          .dq = view<T>(op.dq),
          .dk = view<T>(op.dk),
          .dv = view<T>(op.dv),
          .lse = op.lse.as<float>(),
          .delta = delta.as<float>(),
          .grid = grid,
          .rows = rows,
          .with_dq = with_dq};
}

/// In bf16 and f16 by one kernel that needs no delta, if a block's `most_shared` bytes of shared memory hold the longest
/// sequence of a head; otherwise returns false and does nothing.
bool attention_grad_whole(cudaStream_t stream, const AttentionGrad& op, size_t most_shared);

/// dq, dk and dv in f32, from delta [heads, q.rows].
void attention_grad_f32(cudaStream_t stream, const AttentionGrad& op, const Tensor& delta);

}  // namespace cw
