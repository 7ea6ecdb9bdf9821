// attention_grad, on tensor cores for bf16 and f16 (f32: attention_grad_f32.cu). Probabilities are recomputed from lse by
// tiles: P = exp(scale·q·kᵀ - lse), dS = P∘(dy·vᵀ - delta), delta = Σ dy∘y by rows; dv = Pᵀ·dy, dk = scale·dSᵀ·q,
// dq = scale·dS·k. Source: Dao, FlashAttention-2 (2023), algorithm 2. One kernel goes by keys (dk, dv), one by queries (dq):
// nothing is summed across blocks. Where a block holds a whole sequence's keys (ViT-B/32, CLIP's texts), the first one
// gives dq as well; where it can hold all of longer ones, there is one kernel of another form (attention_grad_whole.cu), unless
// probabilities are left out: P is then what is kept of it in dv, and dS = P∘(keep·dy·vᵀ/(1 - rate) - delta).
#include "ops/cuda/backend.h"
#include "ops/cuda/device/attention_grad.cuh"
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kDeltaThreads = 256;
constexpr int kDeltaLanes = 8;  // of one row and head

// Rows of a tile that goes by, and the most warps of a block: two blocks share a multiprocessor's memory and registers.
template <int W>
constexpr int kTileRows = W <= 64 ? 64 : 32;
template <int W>
constexpr int kMostWarps = W <= 64 ? 6 : 4;
/// Wider heads leave no registers to keep fragments of a block's own rows.
template <int W>
constexpr bool kKeepsFragments = W <= 64;

template <class T>
__global__ void attention_delta_kernel(AttentionGradArguments<T> a) {
  const int64_t i = first_thread() / kDeltaLanes, row = i / a.grid.heads;
  const int head = static_cast<int>(i % a.grid.heads), lane = threadIdx.x % kDeltaLanes, width = a.grid.width;
  float sum = 0;
  if (row < a.q.rows)
    for (int c = lane * kRun; c < width; c += kDeltaLanes * kRun) {
      float y[kRun], dy[kRun];
      load_run(a.y.row(row) + head * width + c, width - c, a.grid.aligned, y);
      load_run(a.dy.row(row) + head * width + c, width - c, a.grid.aligned, dy);
#pragma unroll
      for (int k = 0; k < kRun; ++k) sum = fmaf(y[k], dy[k], sum);
    }
#pragma unroll
  for (int with = kDeltaLanes / 2; with > 0; with /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, with);
  if (row < a.q.rows && lane == 0) a.delta[a.statistic(head, row)] = sum;
}

/// A warp's own 16 rows of a tile as left sides of products.
template <class T, int W>
class OwnRows {
 public:
  __device__ OwnRows(const Tile<T, W>& tile, int row) : tile_(tile), row_(row) {}
  __device__ void keep() {
    if constexpr (kKeepsFragments<W>)
#pragma unroll
      for (int i = 0; i < W / 16; ++i) kept_[i] = tile_.left(row_, 16 * i);
  }
  /// c0, c1 += own rows · (rows row .. row + 16 of the other tile)ᵀ.
  __device__ void multiply(float (&c0)[4], float (&c1)[4], const Tile<T, W>& other, int row) const {
#pragma unroll
    for (int i = 0; i < W / 16; ++i) {
      if constexpr (kKeepsFragments<W>)
        multiply_add<T>(c0, c1, kept_[i], other.right_turned(row, 16 * i));
      else
        multiply_add<T>(c0, c1, tile_.left(row_, 16 * i), other.right_turned(row, 16 * i));
    }
  }

 private:
  const Tile<T, W>& tile_;
  int row_;
  Fragment kept_[kKeepsFragments<W> ? W / 16 : 1];
};

/// sums += (16×16 values c0, c1, rounded)·(rows row .. row + 16 of a tile).
template <class T, int W>
__device__ void add_product(float (&sums)[W / 8][4], const float (&c0)[4], const float (&c1)[4], const Tile<T, W>& tile,
                            int row) {
  const Fragment left = as_left<T>(c0, c1);
#pragma unroll
  for (int c = 0; c < W; c += 16) multiply_add<T>(sums[c / 8], sums[c / 8 + 1], left, tile.right(row, c));
}

/// A warp's sums, times `by`, through its own rows of a tile to global memory.
template <class T, int W>
__device__ void store_sums(const float (&sums)[W / 8][4], float by, const Tile<T, W>& tile, int own, T* to, int64_t stride,
                           int count, const AttentionGrid& grid) {
#pragma unroll
  for (int j = 0; j < W / 8; ++j) tile.put(own, 8 * j, sums[j], by, by);
  __syncwarp();
  store_tile(tile, own, 16, to, stride, count, grid.width, grid.aligned, threadIdx.x % kWarp, kWarp);
}

/// dk and dv of a.rows keys; each warp owns 16 of them and takes queries 16 at a time, logits transposed: [keys, queries].
template <class T, int W, bool kDrops>
__global__ void __launch_bounds__(kWarp * kMostWarps<W>, 2)
    attention_grad_keys_kernel(AttentionGradArguments<T> a) {
  constexpr int kQueries = kTileRows<W>;
  CW_SHARED_DYNAMIC(float, memory);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) {
    zero_rows(a.dk, grid.offsets[grid.count], grid, at);
    zero_rows(a.dv, grid.offsets[grid.count], grid, at);
    if (a.with_dq) zero_rows(a.dq, grid.asked[grid.count], grid, at);
    return;
  }
  const Span span = grid.span(at.sequence);
  const int k0 = at.tile * a.rows;
  if (k0 >= span.n) return;

  float *lse = memory, *minus_delta = lse + kQueries;
  int* limit = reinterpret_cast<int*>(minus_delta + kQueries);
  const Tile<T, W> q{reinterpret_cast<T*>(limit + kQueries)}, dy{q.end(kQueries)}, k{dy.end(kQueries)}, v{k.end(a.rows)};
  const Tile<T, kQueries> ds{v.end(a.rows)};  // [keys, queries], only with dq
  const int warp = threadIdx.x / kWarp, g = threadIdx.x % kWarp / 4;
  const int own = 16 * warp;
  const int64_t column = int64_t{at.head} * grid.width, first = span.first + k0;
  const int left = span.n - k0;
  AsyncCopies copies;
  load_tile(copies, k, rows_for(left, a.rows), a.k.row(first) + column, a.k.stride, left, grid.width, grid.aligned);
  load_tile(copies, v, rows_for(left, a.rows), a.v.row(first) + column, a.v.stride, left, grid.width, grid.aligned);

  const bool works = own < a.rows && own < left, in_order = grid.causal && !grid.positions;
  const bool masked = grid.causal || own + 16 > left;
  OwnRows<T, W> own_k(k, own), own_v(v, own);
  float dk[W / 8][4] = {}, dv[W / 8][4] = {};
  const int begin = in_order ? k0 / kQueries * kQueries : 0;  // queries before it see none of these keys
  for (int q0 = begin; q0 < span.m; q0 += kQueries) {
    __syncthreads();  // the tiles have been read
    const int64_t row = span.q_first + q0;
    const int asked = rows_for(span.m - q0, kQueries);
    load_tile(copies, q, asked, a.q.row(row) + column, a.q.stride, span.m - q0, grid.width, grid.aligned);
    load_tile(copies, dy, asked, a.dy.row(row) + column, a.dy.stride, span.m - q0, grid.width, grid.aligned);
    copies.commit();
    for (int i = threadIdx.x; i < asked; i += blockDim.x) {
      const bool real = q0 + i < span.m;
      lse[i] = real ? a.lse[a.statistic(at.head, row + i)] * kLog2e : 0.0f;
      minus_delta[i] = real ? -a.delta[a.statistic(at.head, row + i)] : 0.0f;
      limit[i] = real ? grid.visible(span, q0 + i) : 0;
    }
    copies.template wait<0>();
    __syncthreads();
    if (works && q0 == begin) {
      own_k.keep();
      own_v.keep();
    }

    if (works)
#pragma unroll 1
      for (int i = 0; i < asked; i += 16) {
        if (in_order && q0 + i + 16 <= k0 + own) continue;  // none of these queries sees this warp's keys
        float p[2][4] = {}, dp[2][4] = {};
        if constexpr (!kDrops) of_queries(minus_delta, i, dp);
        own_k.multiply(p[0], p[1], q, i);
        own_v.multiply(dp[0], dp[1], dy, i);
        if constexpr (kDrops) {
          const AttentionDraws draws(a.drop, grid, span, at);
          exponentials(lse, limit, grid.log2_scale, masked, k0 + own + g, i, p);
          leave_out(draws, draws.by_keys(q0 + i, k0 + own), minus_delta, i, p, dp);
        } else {
          probabilities(lse, limit, grid.log2_scale, masked, k0 + own + g, i, p, dp);
        }
        add_product(dv, p[0], p[1], dy, i);
        add_product(dk, dp[0], dp[1], q, i);
        if (a.with_dq) {
          ds.put(own, i, dp[0]);
          ds.put(own, i + 8, dp[1]);
        }
      }

    if (!a.with_dq) continue;
    __syncthreads();  // ds is there, and q has been read
    // Pieces of 16 queries and 32 columns, dealt to the warps; they take the place of q.
    for (int piece = warp; piece < asked / 16 * (W / 32); piece += blockDim.x / kWarp) {
      const int i = piece / (W / 32) * 16, c = piece % (W / 32) * 32;
      const int reach = grid.most_visible(span, q0 + i + 16);
      float sums[4][4] = {};
#pragma unroll 1
      for (int j = 0; j < reach; j += 16) {
        const Fragment turned = ds.left_turned(j, i);
        multiply_add<T>(sums[0], sums[1], turned, k.right(j, c));
        multiply_add<T>(sums[2], sums[3], turned, k.right(j, c + 16));
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) q.put(i, c + 8 * j, sums[j], grid.scale, grid.scale);
    }
    __syncthreads();
    store_tile(q, 0, asked, a.dq.row(row) + column, a.dq.stride, span.m - q0, grid.width, grid.aligned, threadIdx.x,
               blockDim.x);
  }

  // Where nobody asked, copies are still on their way to rows that others write now.
  copies.template wait<0>();
  __syncthreads();
  if (!works) return;
  store_sums(dk, grid.scale, k, own, a.dk.row(first + own) + column, a.dk.stride, left - own, grid);
  store_sums(dv, kDrops ? a.drop.scale : 1.0f, v, own, a.dv.row(first + own) + column, a.dv.stride, left - own, grid);
}

/// dq of a.rows queries; each warp owns 16 of them and takes keys 16 at a time.
template <class T, int W, bool kDrops>
__global__ void __launch_bounds__(kWarp * kMostWarps<W>, 2)
    attention_grad_queries_kernel(AttentionGradArguments<T> a) {
  constexpr int kKeys = kTileRows<W>;
  CW_SHARED_DYNAMIC(T, memory);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) return zero_rows(a.dq, grid.asked[grid.count], grid, at);
  const Span span = grid.span(at.sequence);
  const int q0 = at.tile * a.rows;
  if (q0 >= span.m) return;

  const Tile<T, W> k{memory}, v{k.end(kKeys)}, q{v.end(kKeys)}, dy{q.end(a.rows)};
  const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  const int own = 16 * (threadIdx.x / kWarp);
  const int64_t column = int64_t{at.head} * grid.width, first = span.q_first + q0;
  const int left = span.m - q0;
  AsyncCopies copies;
  load_tile(copies, q, rows_for(left, a.rows), a.q.row(first) + column, a.q.stride, left, grid.width, grid.aligned);
  load_tile(copies, dy, rows_for(left, a.rows), a.dy.row(first) + column, a.dy.stride, left, grid.width, grid.aligned);

  const bool works = own < a.rows && own < left;
  const int end = grid.most_visible(span, q0 + a.rows), reach = grid.most_visible(span, q0 + own + 16);
  float lse[2] = {}, minus_delta[2] = {};
  int limit[2] = {};
#pragma unroll
  for (int half = 0; half < 2; ++half)
    if (const int row = own + g + 8 * half; works && row < left) {
      lse[half] = a.lse[a.statistic(at.head, first + row)] * kLog2e;
      minus_delta[half] = -a.delta[a.statistic(at.head, first + row)];
      limit[half] = grid.visible(span, q0 + row);
    }
  OwnRows<T, W> own_q(q, own), own_dy(dy, own);
  float dq[W / 8][4] = {};
  for (int k0 = 0; k0 < end; k0 += kKeys) {
    __syncthreads();  // the tiles have been read
    const int64_t row = span.first + k0;
    const int keys = rows_for(span.n - k0, kKeys);
    load_tile(copies, k, keys, a.k.row(row) + column, a.k.stride, span.n - k0, grid.width, grid.aligned);
    load_tile(copies, v, keys, a.v.row(row) + column, a.v.stride, span.n - k0, grid.width, grid.aligned);
    copies.commit();
    copies.template wait<0>();
    __syncthreads();
    if (!works) continue;
    if (k0 == 0) {
      own_q.keep();
      own_dy.keep();
    }
#pragma unroll 1
    for (int j = 0; j < keys && k0 + j < reach; j += 16) {
      float p[2][4] = {}, dp[2][4];
#pragma unroll
      for (int n = 0; n < 2; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) dp[n][e] = kDrops ? 0.0f : minus_delta[e / 2];
      own_q.multiply(p[0], p[1], k, j);
      own_dy.multiply(dp[0], dp[1], v, j);
      const bool masked = grid.causal || k0 + j + 16 > span.n;
      if constexpr (kDrops) {
        const AttentionDraws draws(a.drop, grid, span, at);
        const DropBits bits = draws.by_queries(q0 + own, k0 + j);
#pragma unroll
        for (int n = 0; n < 2; ++n)
#pragma unroll
          for (int e = 0; e < 4; ++e)
            dp[n][e] = fmaf(dp[n][e], draws.keeps_by_queries(bits, n, e) ? a.drop.scale : 0.0f, minus_delta[e / 2]);
      }
#pragma unroll
      for (int n = 0; n < 2; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          float probability = fast_exp2(fmaf(p[n][e], grid.log2_scale, -lse[e / 2]));
          if (masked && k0 + j + 8 * n + 2 * t + e % 2 >= limit[e / 2]) probability = 0;
          dp[n][e] *= probability;
        }
      add_product(dq, dp[0], dp[1], k, j);
    }
  }
  if (works) store_sums(dq, grid.scale, q, own, a.dq.row(first + own) + column, a.dq.stride, left - own, grid);
}

template <class T, int W, bool kDrops>
void backward_16(cudaStream_t stream, const AttentionGrad& op, const Tensor& delta) {
  const RowSplit by_keys(op.sequences.max_length, kMostWarps<W>);
  const bool with_dq = by_keys.tiles == 1;
  const auto keys = attention_grad_arguments<T>(op, delta, by_keys.tiles, by_keys.rows(), with_dq);
  const size_t statistics = 3 * sizeof(float) * kTileRows<W>;
  const size_t ds = with_dq ? Tile<T, kTileRows<W>>::bytes(by_keys.rows()) : 0;
  launch(stream,
         {"attention_grad_keys", blocks_of(keys.grid), by_keys.threads(),
          statistics + Tile<T, W>::bytes(2 * by_keys.rows() + 2 * kTileRows<W>) + ds},
         attention_grad_keys_kernel<T, W, kDrops>, keys);
  if (with_dq) return;
  const RowSplit by_queries(most_queries(op.queries, op.sequences), kMostWarps<W>);
  const auto queries = attention_grad_arguments<T>(op, delta, by_queries.tiles, by_queries.rows());
  launch(stream,
         {"attention_grad_queries", blocks_of(queries.grid), by_queries.threads(),
          Tile<T, W>::bytes(2 * by_queries.rows() + 2 * kTileRows<W>)},
         attention_grad_queries_kernel<T, W, kDrops>, queries);
}

void backward(Workspace& work, cudaStream_t stream, size_t most_shared, const AttentionGrad& op) {
  require_head(op, "attention_grad");
  if (attention_grad_is_whole(op, most_shared)) {
    if (work.live()) attention_grad_whole(stream, op);
    return;
  }
  const Frame frame(work.arena());
  const Tensor delta = work.take(op.heads, op.q.rows, DType::f32);
  if (!work.live()) return;
  by_type(op.q.dtype, [&]<class T>() {
    launch(stream, {"attention_delta", blocks_for(op.q.rows * op.heads, kDeltaThreads / kDeltaLanes), kDeltaThreads},
           attention_delta_kernel<T>, attention_grad_arguments<T>(op, delta, 1, 0));
    if constexpr (std::is_same_v<T, float>)
      attention_grad_f32(stream, op, delta);
    else
      by_width(static_cast<int>(op.q.cols / op.heads), [&]<int W>() {
        op.drop ? backward_16<T, W, true>(stream, op, delta) : backward_16<T, W, false>(stream, op, delta);
      });
  });
}

}  // namespace

void CudaBackend::execute(const AttentionGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, stream(), shared_memory(), op);
}
size_t CudaBackend::scratch(const AttentionGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, stream(), shared_memory(), op);
  return work.peak();
}

}  // namespace cw
