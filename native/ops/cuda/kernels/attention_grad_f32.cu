// attention_grad in f32, on CUDA cores: the formulas of attention_grad.cu, one kernel by keys and one by queries.
#include "ops/cuda/device/attention_f32.cuh"
#include "ops/cuda/device/attention_grad.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

template <bool kDrops>
__global__ void __launch_bounds__(kF32Threads) attention_grad_keys_f32_kernel(AttentionGradArguments<float> a) {
  CW_SHARED_DYNAMIC(float4, weights);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) {
    zero_rows(a.dk, grid.offsets[grid.count], grid, at);
    zero_rows(a.dv, grid.offsets[grid.count], grid, at);
    return;
  }
  const Span span = grid.span(at.sequence);
  const int k0 = at.tile * kF32Rows;
  if (k0 >= span.n) return;

  const F32Rows k = f32_rows(weights, grid.width), v{k.end(kF32Rows), grid.width}, q{v.end(kF32Rows), grid.width},
                dy{q.end(kF32Tile), grid.width};
  const int lane = threadIdx.x % kWarp, own = threadIdx.x / kWarp * kF32Own;
  const int64_t column = int64_t{at.head} * grid.width, first = span.first + k0;
  k.load(kF32Rows, a.k.row(first) + column, a.k.stride, span.n - k0);
  v.load(kF32Rows, a.v.row(first) + column, a.v.stride, span.n - k0);
  float dk[kF32Own][kF32Columns] = {}, dv[kF32Own][kF32Columns] = {};
  for (int q0 = grid.causal && !grid.positions ? k0 / kF32Tile * kF32Tile : 0; q0 < span.m; q0 += kF32Tile) {
    __syncthreads();  // the tiles have been read
    const int64_t row = span.q_first + q0;
    q.load(kF32Tile, a.q.row(row) + column, a.q.stride, span.m - q0);
    dy.load(kF32Tile, a.dy.row(row) + column, a.dy.stride, span.m - q0);
    __syncthreads();
    // The lane's query.
    const bool real = q0 + lane < span.m;
    const float lse = real ? a.lse[a.statistic(at.head, row + lane)] : 0.0f;
    const float delta = real ? a.delta[a.statistic(at.head, row + lane)] : 0.0f;
    const int limit = real ? grid.visible(span, q0 + lane) : 0;
    float p[kF32Own] = {}, ds[kF32Own] = {};
    f32_dots(k, own, q, lane, p);
    f32_dots(v, own, dy, lane, ds);
#pragma unroll
    for (int i = 0; i < kF32Own; ++i) {
      p[i] = k0 + own + i < limit ? expf(p[i] * grid.scale - lse) : 0.0f;
      const bool keeps = !kDrops || AttentionDraws(a.drop, grid, span, at).keeps(q0 + lane, k0 + own + i);
      if constexpr (kDrops) ds[i] *= keeps ? a.drop.scale : 0.0f;
      ds[i] = p[i] * (ds[i] - delta);
      if (!keeps) p[i] = 0;
    }
    f32_add(weights, p, dy, dv);
    f32_add(weights, ds, q, dk);
  }
  for (int i = 0; i < kF32Own && k0 + own + i < span.n; ++i) {
    f32_store(dk[i], grid.scale, a.dk.row(first + own + i) + column, grid.width);
    f32_store(dv[i], kDrops ? a.drop.scale : 1.0f, a.dv.row(first + own + i) + column, grid.width);
  }
}

template <bool kDrops>
__global__ void __launch_bounds__(kF32Threads) attention_grad_queries_f32_kernel(AttentionGradArguments<float> a) {
  CW_SHARED_DYNAMIC(float4, weights);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) return zero_rows(a.dq, grid.asked[grid.count], grid, at);
  const Span span = grid.span(at.sequence);
  const int q0 = at.tile * kF32Rows;
  if (q0 >= span.m) return;

  const F32Rows q = f32_rows(weights, grid.width), dy{q.end(kF32Rows), grid.width}, k{dy.end(kF32Rows), grid.width},
                v{k.end(kF32Tile), grid.width};
  const int lane = threadIdx.x % kWarp, own = threadIdx.x / kWarp * kF32Own;
  const int64_t column = int64_t{at.head} * grid.width, first = span.q_first + q0;
  q.load(kF32Rows, a.q.row(first) + column, a.q.stride, span.m - q0);
  dy.load(kF32Rows, a.dy.row(first) + column, a.dy.stride, span.m - q0);
  float lse[kF32Own] = {}, delta[kF32Own] = {}, dq[kF32Own][kF32Columns] = {};
  int limit[kF32Own] = {};
  for (int i = 0; i < kF32Own && q0 + own + i < span.m; ++i) {
    lse[i] = a.lse[a.statistic(at.head, first + own + i)];
    delta[i] = a.delta[a.statistic(at.head, first + own + i)];
    limit[i] = grid.visible(span, q0 + own + i);
  }
  const int end = grid.most_visible(span, q0 + kF32Rows);
  for (int k0 = 0; k0 < end; k0 += kF32Tile) {
    __syncthreads();  // the tiles have been read
    k.load(kF32Tile, a.k.row(span.first + k0) + column, a.k.stride, span.n - k0);
    v.load(kF32Tile, a.v.row(span.first + k0) + column, a.v.stride, span.n - k0);
    __syncthreads();
    float p[kF32Own] = {}, ds[kF32Own] = {};
    f32_dots(q, own, k, lane, p);
    f32_dots(dy, own, v, lane, ds);
    if constexpr (kDrops)
#pragma unroll
      for (int i = 0; i < kF32Own; ++i)
        ds[i] *= AttentionDraws(a.drop, grid, span, at).keeps(q0 + own + i, k0 + lane) ? a.drop.scale : 0.0f;
    for (int i = 0; i < kF32Own; ++i)
      ds[i] = k0 + lane < limit[i] ? expf(p[i] * grid.scale - lse[i]) * (ds[i] - delta[i]) : 0.0f;
    f32_add(weights, ds, k, dq);
  }
  for (int i = 0; i < kF32Own && q0 + own + i < span.m; ++i)
    f32_store(dq[i], grid.scale, a.dq.row(first + own + i) + column, grid.width);
}

template <bool kDrops>
void backward(cudaStream_t stream, const AttentionGrad& op, const Tensor& delta) {
  const auto keys = attention_grad_arguments<float>(op, delta, f32_tiles(op.sequences.max_length), kF32Rows);
  const auto queries = attention_grad_arguments<float>(op, delta, f32_tiles(most_queries(op.queries, op.sequences)), kF32Rows);
  const size_t shared = f32_bytes(keys.grid.width, 2 * kF32Rows, 2);
  launch(stream, {"attention_grad_keys_f32", blocks_of(keys.grid), kF32Threads, shared},
         attention_grad_keys_f32_kernel<kDrops>, keys);
  launch(stream, {"attention_grad_queries_f32", blocks_of(queries.grid), kF32Threads, shared},
         attention_grad_queries_f32_kernel<kDrops>, queries);
}

}  // namespace

void attention_grad_f32(cudaStream_t stream, const AttentionGrad& op, const Tensor& delta) {
  op.drop ? backward<true>(stream, op, delta) : backward<false>(stream, op, delta);
}

}  // namespace cw
