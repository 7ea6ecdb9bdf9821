// What the backward kernels of attention share.
#pragma once
#include "ops/cuda/device/attention_drop.cuh"
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/launch.h"

namespace cw {

/// What the backward kernels are given.
template <class T>
struct AttentionGradArguments {
  View<const T> q, k, v, y, dy;
  View<T> dq, dk, dv;
  const float* lse;  // [heads, q.rows]
  float* delta;      // [heads, q.rows]; null for the kernel that finds it itself
  AttentionGrid grid;
  int rows;      // of a block
  bool with_dq;  // by keys: dq as well
  DropArguments drop;

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
          .with_dq = with_dq,
          .drop = drop_arguments(op.drop)};
}

/// A statistic of queries to both tiles of accumulators [keys, queries] of which they are the columns: a lane's are row + 2t,
/// + 1 and those 8 beyond.
__device__ inline void of_queries(const float* statistic, int row, float (&c)[2][4]) {
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    const float2 pair = *reinterpret_cast<const float2*>(statistic + row + 8 * j + 2 * (threadIdx.x % 4));
    c[j][0] = c[j][2] = pair.x;
    c[j][1] = c[j][3] = pair.y;
  }
}

/// Products q·k of [keys, queries] to P. lse: for powers of 2. limit: how many keys a query sees, read where `masked`; the lane's
/// keys are `key` and key + 8.
__device__ inline void exponentials(const float* lse, const int* limit, float log2_scale, bool masked, int key, int row,
                                    float (&p)[2][4]) {
  float shift[2][4];
  of_queries(lse, row, shift);
#pragma unroll
  for (int j = 0; j < 2; ++j)
#pragma unroll
    for (int e = 0; e < 4; ++e) p[j][e] = fast_exp2(fmaf(p[j][e], log2_scale, -shift[j][e]));
  if (masked)
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int2 pair = *reinterpret_cast<const int2*>(limit + row + 8 * j + 2 * (threadIdx.x % 4));
#pragma unroll
      for (int e = 0; e < 4; ++e)
        if (key + 8 * (e / 2) >= (e % 2 ? pair.y : pair.x)) p[j][e] = 0;
    }
}

/// Products q·k and dP - delta to P and dS, else as exponentials.
__device__ inline void probabilities(const float* lse, const int* limit, float log2_scale, bool masked, int key, int row,
                                     float (&p)[2][4], float (&dp)[2][4]) {
  exponentials(lse, limit, log2_scale, masked, key, row, p);
#pragma unroll
  for (int j = 0; j < 2; ++j)
#pragma unroll
    for (int e = 0; e < 4; ++e) dp[j][e] *= p[j][e];
}

/// P and products dy·v of [keys, queries] to what is kept of P, not yet times the scale, and dS.
__device__ inline void leave_out(const AttentionDraws& draws, const DropBits& bits, const float* minus_delta, int row,
                                 float (&p)[2][4], float (&dp)[2][4]) {
  float shift[2][4];
  of_queries(minus_delta, row, shift);
#pragma unroll
  for (int j = 0; j < 2; ++j)
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const bool keeps = draws.keeps_by_keys(bits, j, e);
      dp[j][e] = p[j][e] * fmaf(dp[j][e], keeps ? draws.drop.scale : 0.0f, shift[j][e]);
      if (!keeps) p[j][e] = 0;
    }
}

/// Whether one kernel that needs no delta does it: in bf16 and f16, where a block's `most_shared` bytes of shared memory hold
/// the longest sequence of a head.
bool attention_grad_is_whole(const AttentionGrad& op, size_t most_shared);
void attention_grad_whole(cudaStream_t stream, const AttentionGrad& op);

/// dq, dk and dv in f32, from delta [heads, q.rows].
void attention_grad_f32(cudaStream_t stream, const AttentionGrad& op, const Tensor& delta);

}  // namespace cw
