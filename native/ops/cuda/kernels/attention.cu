// attention: softmax(scale·q·kᵀ)·v by tiles of keys, with a softmax that is corrected as larger logits appear; logits live
// in registers only. Source: Dao, FlashAttention-2 (2023), algorithm 1. bf16 and f16 run on tensor cores, where a warp owns
// 16 or 32 queries; f32 runs on CUDA cores with exact products.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/attention_drop.cuh"
#include "ops/cuda/device/attention_f32.cuh"
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kKeys = 64;  // of a tile; two of them are in shared memory, one to work on and one on its way

/// A warp of kGroups times 16 queries: two groups halve what a product takes from shared memory, and leave fewer warps to a
/// short sequence and no registers to wide heads.
template <int W, int kGroups>
constexpr int kMostWarps = kGroups == 2 || W > 96 ? 4 : 8;  // of a block
/// Blocks that share a multiprocessor's registers.
template <int W, int kGroups>
constexpr int kLeastBlocks = kGroups == 2 ? 3 : W <= 64 ? 2 : 1;
constexpr int kManyQueries = 96;

template <class T>
struct Forward {
  View<const T> q, k, v;
  View<T> y;
  float* lse;  // [heads, y.rows], or null
  AttentionGrid grid;
  int rows;  // queries of a block
  DropArguments drop;
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
  static constexpr float kSlack = 8;  // a power of 2

  float largest[2] = {-INFINITY, -INFINITY};  // of the logits as they come, before scaling; or what was the largest
  float sum[2] = {};                          // the lane's part

  /// Logits to probabilities that want dividing by the sum at the end. Sums so far are made relative to a larger logit only
  /// once probabilities would exceed 2^kSlack: the factor cancels in the end, and most tiles need no such pass.
  template <int kTiles, int kSums>
  __device__ void add(float (&s)[kTiles][4], float log2_scale, float (&sums)[kSums][4]) {
    float most[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      most[half] = -INFINITY;
#pragma unroll
      for (int j = 0; j < kTiles; ++j) most[half] = fmaxf(most[half], fmaxf(s[j][2 * half], s[j][2 * half + 1]));
      most[half] = reduce_quad(most[half], Max{});
    }
    const float excess = fmaxf(most[0] - largest[0], most[1] - largest[1]);  // infinite at first: all see the first key
    if (__any_sync(kWholeWarp, excess * log2_scale > kSlack))
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float larger = fmaxf(largest[half], most[half]), correct = fast_exp2((largest[half] - larger) * log2_scale);
        largest[half] = larger;
        sum[half] *= correct;
#pragma unroll
        for (int j = 0; j < kSums; ++j)
#pragma unroll
          for (int e = 2 * half; e < 2 * half + 2; ++e) sums[j][e] *= correct;
      }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float shift = -largest[half] * log2_scale;
#pragma unroll
      for (int j = 0; j < kTiles; ++j)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          s[j][e] = fast_exp2(fmaf(s[j][e], log2_scale, shift));
          sum[half] += s[j][e];
        }
    }
  }
};

/// kDrops: whether probabilities are left out; the others grow where sums are written.
template <class T, int W, int kGroups, bool kDrops>
__global__ void __launch_bounds__(kWarp * kMostWarps<W, kGroups>, kLeastBlocks<W, kGroups>)
    attention_kernel(Forward<T> a) {
  static_assert(!kDrops || kGroups == 1);
  constexpr int kOwn = 16 * kGroups, kAtOnce = kKeys / kGroups, kSteps = W / 16;
  constexpr int kKept = kSteps == 4 ? 1 + kGroups : kSteps;  // registers for the rest are short
  CW_SHARED_DYNAMIC(T, memory);
  const AttentionGrid& grid = a.grid;
  const auto place = grid.place(blockIdx.x);
  if (place.sequence == grid.count) return zero_filler(a, place);
  const Span span = grid.span(place.sequence);
  const int q0 = place.tile * a.rows;
  if (q0 >= span.m) return;

  const Tile<T, W> q{memory}, all_k{q.end(a.rows)}, all_v{all_k.end(2 * kKeys)};
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  const int own = kOwn * warp;  // of the block's rows
  const int64_t column = int64_t{place.head} * grid.width;
  AsyncCopies copies;
  const auto load_keys = [&](int k0) {
    const int left = span.n - k0, rows = rows_for(left, kKeys), to = k0 % (2 * kKeys);
    const int64_t from = span.first + k0;
    load_tile(copies, Tile<T, W>{all_k.end(to)}, rows, a.k.row(from) + column, a.k.stride, left, grid.width, grid.aligned);
    load_tile(copies, Tile<T, W>{all_v.end(to)}, rows, a.v.row(from) + column, a.v.stride, left, grid.width, grid.aligned);
    copies.commit();
  };
  load_tile(copies, q, a.rows, a.q.row(span.q_first + q0) + column, a.q.stride, span.m - q0, grid.width, grid.aligned);
  load_keys(0);

  const bool works = own < a.rows && q0 + own < span.m;
  const int end = grid.most_visible(span, q0 + a.rows), reach = grid.most_visible(span, q0 + own + kOwn);
  Softmax softmax[kGroups];
  Fragment own_q[kGroups][kKept];
  float out[kGroups][W / 8][4] = {};
  for (int k0 = 0; k0 < end; k0 += kKeys) {
    copies.template wait<0>();
    __syncthreads();  // this tile is there, and the one before it has been read
    if (k0 + kKeys < end) load_keys(k0 + kKeys);
    if (!works) continue;
    if (k0 == 0)
#pragma unroll
      for (int m = 0; m < kGroups; ++m)
#pragma unroll
        for (int c = 0; c < kKept; ++c) own_q[m][c] = q.left(own + 16 * m, 16 * c);

    const Tile<T, W> k{all_k.end(k0 % (2 * kKeys))}, v{all_v.end(k0 % (2 * kKeys))};
#pragma unroll 1
    for (int at = 0; at < kKeys && k0 + at < reach; at += kAtOnce) {
      float s[kGroups][kAtOnce / 8][4] = {};
#pragma unroll
      for (int j = 0; j < kAtOnce / 16; ++j)
        if (k0 + at + 16 * j < reach)
#pragma unroll
          for (int c = 0; c < kSteps; ++c) {
            const Fragment right = k.right_turned(at + 16 * j, 16 * c);
#pragma unroll
            for (int m = 0; m < kGroups; ++m)
              multiply_add<T>(s[m][2 * j], s[m][2 * j + 1], c < kKept ? own_q[m][c] : q.left(own + 16 * m, 16 * c), right);
          }
      if (grid.causal || k0 + at + kAtOnce > reach)
#pragma unroll
        for (int m = 0; m < kGroups; ++m)
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const int limit = grid.visible(span, q0 + own + 16 * m + 8 * half + g) - (k0 + at + 2 * t);
#pragma unroll
            for (int j = 0; j < kAtOnce / 8; ++j)
#pragma unroll
              for (int e = 0; e < 2; ++e)
                if (8 * j + e >= limit) s[m][j][2 * half + e] = -INFINITY;
          }
#pragma unroll
      for (int m = 0; m < kGroups; ++m) softmax[m].add(s[m], grid.log2_scale, out[m]);
#pragma unroll
      for (int j = 0; j < kAtOnce / 16; ++j)
        if (k0 + at + 16 * j < reach) {
          if constexpr (kDrops) {
            const AttentionDraws draws(a.drop, grid, span, place);
            const DropBits bits = draws.by_queries(q0 + own, k0 + at + 16 * j);
#pragma unroll
            for (int n = 0; n < 2; ++n)
#pragma unroll
              for (int e = 0; e < 4; ++e)
                if (!draws.keeps_by_queries(bits, n, e)) s[0][2 * j + n][e] = 0;
          }
          Fragment left[kGroups];
#pragma unroll
          for (int m = 0; m < kGroups; ++m) left[m] = as_left<T>(s[m][2 * j], s[m][2 * j + 1]);
#pragma unroll
          for (int c = 0; c < kSteps; ++c) {
            const Fragment right = v.right(at + 16 * j, 16 * c);
#pragma unroll
            for (int m = 0; m < kGroups; ++m) multiply_add<T>(out[m][2 * c], out[m][2 * c + 1], left[m], right);
          }
        }
    }
  }

  if (!works) return;
#pragma unroll
  for (int m = 0; m < kGroups; ++m) {
    const float sum[2] = {reduce_quad(softmax[m].sum[0], Sum{}), reduce_quad(softmax[m].sum[1], Sum{})};
    const float whole = kDrops ? a.drop.scale : 1.0f;
    if (a.lse && t == 0)
      for (int half = 0; half < 2; ++half)
        if (const int row = q0 + own + 16 * m + g + 8 * half; row < span.m)
          a.lse[place.head * a.y.rows + span.q_first + row] = softmax[m].largest[half] * grid.scale + logf(sum[half]);
    // Through the warp's own rows of q, so that y is written in long runs.
#pragma unroll
    for (int j = 0; j < W / 8; ++j) q.put(own + 16 * m, 8 * j, out[m][j], whole / sum[0], whole / sum[1]);
  }
  __syncwarp();
  store_tile(q, own, kOwn, a.y.row(span.q_first + q0 + own) + column, a.y.stride, span.m - q0 - own, grid.width, grid.aligned,
             lane, kWarp);
}

template <bool kDrops>
__global__ void __launch_bounds__(kF32Threads, kDrops ? 6 : 7) attention_f32_kernel(Forward<float> a) {
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
      if constexpr (kDrops)
        if (!AttentionDraws(a.drop, grid, span, at).keeps(q0 + own + i, k0 + lane)) s[i] = 0;
    }
    f32_add(weights, s, v, out);
  }
  for (int i = 0; i < kF32Own; ++i) {
    const int row = q0 + own + i;
    if (row >= span.m) continue;
    if (a.lse && lane == 0) a.lse[at.head * a.y.rows + span.q_first + row] = largest[i] + logf(sum[i]);
    f32_store(out[i], (kDrops ? a.drop.scale : 1.0f) / sum[i], a.y.row(span.q_first + row) + column, grid.width);
  }
}

template <class T, bool kDrops>
void forward(cudaStream_t stream, const Attention& op) {
  const int64_t queries = most_queries(op.queries, op.sequences);
  const auto arguments = [&](int tiles, int rows) {
    return Forward<T>{view<const T>(op.q), view<const T>(op.k),       view<const T>(op.v), view<T>(op.y),
                      op.lse.as<float>(),  attention_grid(op, tiles), rows,                drop_arguments(op.drop)};
  };
  if constexpr (std::is_same_v<T, float>) {
    const auto a = arguments(f32_tiles(queries), kF32Rows);
    launch(stream, {"attention_f32", blocks_of(a.grid), kF32Threads, f32_bytes(a.grid.width, kF32Rows, 2)},
           attention_f32_kernel<kDrops>, a);
  } else {
    const auto of_groups = [&]<int W, int kGroups>() {
      const RowSplit split(queries, kMostWarps<W, kGroups>, 16 * kGroups);
      const auto a = arguments(split.tiles, split.rows());
      launch(stream,
             {"attention", blocks_of(a.grid), split.threads(kGroups == 2 ? 1 : 4), Tile<T, W>::bytes(split.rows() + 4 * kKeys)},
             attention_kernel<T, W, kGroups, kDrops>, a);
    };
    by_width(static_cast<int>(op.q.cols / op.heads), [&]<int W>() {
      if constexpr (W <= 64 && !kDrops)
        if (queries > kManyQueries) return of_groups.template operator()<W, 2>();
      of_groups.template operator()<W, 1>();
    });
  }
}

}  // namespace

void CudaBackend::execute(const Attention& op) {
  by_type(op.q.dtype, [&]<class T>() { op.drop ? forward<T, true>(stream(), op) : forward<T, false>(stream(), op); });
}
size_t CudaBackend::scratch(const Attention& op) const {
  require_head(op, "attention");
  return 0;
}

}  // namespace cw
