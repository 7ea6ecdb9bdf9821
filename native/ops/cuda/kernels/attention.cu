// attention: softmax(scale·q·kᵀ)·v by tiles of keys, with a softmax that is corrected as larger logits appear; logits live
// in registers only. Source: Dao, FlashAttention-2 (2023), algorithm 1. bf16 and f16 run on tensor cores, where a warp owns
// 16 queries; f32 runs on CUDA cores with exact products.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/attention_f32.cuh"
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

template <int W>
constexpr int kMostWarps = W <= 96 ? 8 : 4;  // of a block
constexpr int kKeys = 64;  // of a tile

template <class T>
struct Forward {
  View<const T> q, k, v;
  View<T> y;
  float* lse;  // [heads, y.rows], or null
  AttentionGrid grid;
  int rows;  // queries of a block
};

template <class T>
__device__ void zero_filler(const Forward<T>& a, const AttentionGrid::Place& at) {
  const int64_t from = a.grid.asked[a.grid.count];
  zero_rows(a.y, from, a.grid, at);
  if (!a.lse) return;
  for (int64_t r = from + at.tile * blockDim.x + threadIdx.x; r < a.y.rows; r += int64_t{a.grid.tiles} * blockDim.x)
    a.lse[at.head * a.y.rows + r] = 0;
}

/// The softmax of 16 rows, while it grows. A lane has a part of rows g and g+8.
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY};  // of the logits as they come, before scaling
  float sum[2] = {};                          // the lane's part

  /// Logits to probabilities that want dividing by the sum at the end; what was summed before must be multiplied by `correct`.
  template <int kTiles>
  __device__ void add(float (&s)[kTiles][4], float scale, float (&correct)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float most = largest[half];
#pragma unroll
      for (int j = 0; j < kTiles; ++j) most = fmaxf(most, fmaxf(s[j][2 * half], s[j][2 * half + 1]));
      most = reduce_quad(most, Max{});  // finite: every query sees the first key
      correct[half] = exp2f((largest[half] - most) * scale * kLog2e);
      largest[half] = most;
      sum[half] *= correct[half];
#pragma unroll
      for (int j = 0; j < kTiles; ++j)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          s[j][e] = exp2f(fmaf(s[j][e], scale * kLog2e, -most * (scale * kLog2e)));
          sum[half] += s[j][e];
        }
    }
  }
};

template <class T, int W>
__global__ void __launch_bounds__(kWarp * kMostWarps<W>, 1) attention_kernel(Forward<T> a) {
  CW_SHARED_DYNAMIC(T, memory);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) return zero_filler(a, at);
  const Span span = grid.span(at.sequence);
  const int q0 = at.tile * a.rows;
  if (q0 >= span.m) return;

  const Tile<T, W> k{memory}, v{k.end(kKeys)}, q{v.end(kKeys)};
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  const int own = 16 * warp;  // of the block's rows
  const int64_t column = int64_t{at.head} * grid.width;
  AsyncCopies copies;
  const auto load_keys = [&](const Tile<T, W>& tile, const View<const T>& from, int k0) {
    const int left = span.n - k0;
    load_tile(copies, tile, rows_for(left, kKeys), from.row(span.first + k0) + column, from.stride, left, grid.width,
              grid.aligned);
  };
  load_tile(copies, q, a.rows, a.q.row(span.q_first + q0) + column, a.q.stride, span.m - q0, grid.width, grid.aligned);
  load_keys(k, a.k, 0);
  copies.commit();

  const bool works = own < a.rows && q0 + own < span.m;
  const int end = grid.most_visible(span, q0 + a.rows), reach = grid.most_visible(span, q0 + own + 16);
  const int limit[2] = {grid.visible(span, q0 + own + g), grid.visible(span, q0 + own + g + 8)};
  Softmax softmax;
  float out[W / 8][4] = {};
  for (int k0 = 0; k0 < end; k0 += kKeys) {
    load_keys(v, a.v, k0);
    copies.commit();
    copies.template wait<1>();
    __syncthreads();  // k is there

    float s[kKeys / 8][4] = {};
    if (works && k0 < reach)
#pragma unroll
      for (int c = 0; c < W; c += 16) {
        const Fragment left = q.left(own, c);
#pragma unroll
        for (int j = 0; j < kKeys / 16; ++j)
          if (k0 + 16 * j < reach) multiply_add<T>(s[2 * j], s[2 * j + 1], left, k.right_turned(16 * j, c));
      }
    copies.template wait<0>();
    __syncthreads();  // v is there, and k has been read
    const bool more = k0 + kKeys < end;
    if (more) load_keys(k, a.k, k0 + kKeys);
    copies.commit();

    if (works && k0 < reach) {
      if (grid.causal || k0 + kKeys > reach)
#pragma unroll
        for (int j = 0; j < kKeys / 8; ++j)
#pragma unroll
          for (int e = 0; e < 4; ++e)
            if (k0 + 8 * j + 2 * t + e % 2 >= limit[e / 2]) s[j][e] = -INFINITY;
      float correct[2];
      softmax.add(s, grid.scale, correct);
#pragma unroll
      for (int j = 0; j < W / 8; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) out[j][e] *= correct[e / 2];
#pragma unroll
      for (int j = 0; j < kKeys / 16; ++j)
        if (k0 + 16 * j < reach) {
          const Fragment left = as_left<T>(s[2 * j], s[2 * j + 1]);
#pragma unroll
          for (int c = 0; c < W; c += 16) multiply_add<T>(out[c / 8], out[c / 8 + 1], left, v.right(16 * j, c));
        }
    }
    if (more) __syncthreads();  // v has been read
  }

  if (!works) return;
  const float sum[2] = {reduce_quad(softmax.sum[0], Sum{}), reduce_quad(softmax.sum[1], Sum{})};
  if (a.lse && t == 0)
    for (int half = 0; half < 2; ++half)
      if (const int row = q0 + own + g + 8 * half; row < span.m)
        a.lse[at.head * a.y.rows + span.q_first + row] = softmax.largest[half] * grid.scale + logf(sum[half]);
  // Through the warp's own rows of q, so that y is written in long runs.
#pragma unroll
  for (int j = 0; j < W / 8; ++j) q.put(own, 8 * j, out[j], 1 / sum[0], 1 / sum[1]);
  __syncwarp();
  store_tile(q, own, 16, a.y.row(span.q_first + q0 + own) + column, a.y.stride, span.m - q0 - own, grid.width, grid.aligned,
             lane, kWarp);
}

__global__ void __launch_bounds__(kF32Threads) attention_f32_kernel(Forward<float> a) {
  CW_SHARED_DYNAMIC(float4, weights);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) return zero_filler(a, at);
  const Span span = grid.span(at.sequence);
  const int q0 = at.tile * kF32Rows;
  if (q0 >= span.m) return;

  const F32Rows q = f32_rows(weights, grid.width), k{q.end(kF32Rows), grid.width}, v{k.end(kF32Tile), grid.width};
  const int lane = threadIdx.x % kWarp, own = threadIdx.x / kWarp * kF32Own;
  const int64_t column = int64_t{at.head} * grid.width;
  q.load(kF32Rows, a.q.row(span.q_first + q0) + column, a.q.stride, span.m - q0);

  float largest[kF32Own], sum[kF32Own] = {}, out[kF32Own][kF32Columns] = {};
  int limit[kF32Own];
  for (int i = 0; i < kF32Own; ++i) {
    largest[i] = -INFINITY;
    limit[i] = grid.visible(span, q0 + own + i);
  }
  const int end = grid.most_visible(span, q0 + kF32Rows);
  for (int k0 = 0; k0 < end; k0 += kF32Tile) {
    __syncthreads();  // the tiles have been read
    k.load(kF32Tile, a.k.row(span.first + k0) + column, a.k.stride, span.n - k0);
    v.load(kF32Tile, a.v.row(span.first + k0) + column, a.v.stride, span.n - k0);
    __syncthreads();
    float s[kF32Own] = {};  // of the lane's key
    f32_dots(q, own, k, lane, s);
    for (int i = 0; i < kF32Own; ++i) {
      const float logit = k0 + lane < limit[i] ? s[i] * grid.scale : -INFINITY;
      const float most = fmaxf(largest[i], reduce_warp<Max>(logit)), correct = expf(largest[i] - most);
      s[i] = expf(logit - most);
      largest[i] = most;
      sum[i] = sum[i] * correct + reduce_warp(s[i]);
      for (int j = 0; j < kF32Columns; ++j) out[i][j] *= correct;
    }
    f32_add(weights, s, v, out);
  }
  for (int i = 0; i < kF32Own; ++i) {
    const int row = q0 + own + i;
    if (row >= span.m) continue;
    if (a.lse && lane == 0) a.lse[at.head * a.y.rows + span.q_first + row] = largest[i] + logf(sum[i]);
    f32_store(out[i], 1 / sum[i], a.y.row(span.q_first + row) + column, grid.width);
  }
}

template <class T>
void forward(cudaStream_t stream, const Attention& op) {
  const int64_t queries = most_queries(op.queries, op.sequences);
  const auto arguments = [&](int tiles, int rows) {
    return Forward<T>{view<const T>(op.q),  view<const T>(op.k),       view<const T>(op.v), view<T>(op.y),
                      op.lse.as<float>(), attention_grid(op, tiles), rows};
  };
  if constexpr (std::is_same_v<T, float>) {
    const auto a = arguments(f32_tiles(queries), kF32Rows);
    launch(stream, {"attention_f32", blocks_of(a.grid), kF32Threads, f32_bytes(a.grid.width, kF32Rows, 2)},
           attention_f32_kernel, a);
  } else {
    by_width(static_cast<int>(op.q.cols / op.heads), [&]<int W>() {
      const RowSplit split(queries, kMostWarps<W>);
      const auto a = arguments(split.tiles, split.rows());
      launch(stream, {"attention", blocks_of(a.grid), split.threads(), Tile<T, W>::bytes(split.rows() + 2 * kKeys)},
             attention_kernel<T, W>, a);
    });
  }
}

}  // namespace

void CudaBackend::execute(const Attention& op) {
  by_type(op.q.dtype, [&]<class T>() { forward<T>(stream(), op); });
}
size_t CudaBackend::scratch(const Attention& op) const {
  require_head(op, "attention");
  return 0;
}

}  // namespace cw
