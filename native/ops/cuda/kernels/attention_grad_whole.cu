// attention_grad in bf16 and f16 where one block holds a whole sequence of a head in shared memory (97 to 272 tokens: the
// pictures of ViT-B/16 and ViT-L/14): five products and one exponential instead of the seven and two of attention_grad.cu's
// pair of kernels, delta from rows that are there anyway, and no sum across blocks. Formulas: attention_grad.cu.
//
// A warp owns 32 keys: dk and dv stay in its registers, and so do its v and half of its k as left sides of products, so that
// a fragment of queries that comes from shared memory serves four products of tensor cores instead of two. Eight such warps
// take what registers there are, so keys 257 to 272 ("the edge": a picture of 256 patches has one class token more) belong to
// no warp: their P and dS are dealt to the warps by queries, and their dk and dv are products over all queries at the end.
// dq of 64 queries is one product over all keys, from dS in shared memory (two buffers: one barrier for 64 queries).
//
// For 32 keys x 16 queries of 64 columns, dq included: 80 products of 16 x 8 x 16 take 500 cycles of one of four tensor cores
// (mma.sync on compute capability 9.0), so 130 of a multiprocessor. Shared memory gives 20 fragments of 512 bytes to P, dP, dv
// and dk, takes 1 KiB of dS and gives 12 fragments to dq: 136 cycles at 128 bytes a cycle; with 16 keys a warp it would be 170.
// A cluster of blocks that own a third of the keys each would have to move dq's partial sums, 8 bytes an element, between
// multiprocessors.
#include <algorithm>

#include "ops/cuda/device/attention_grad.cuh"
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kOwn = 32;  // keys of a warp
constexpr int kMostWarps = 8;
constexpr int kOwned = kOwn * kMostWarps;
constexpr int kEdge = 16;  // keys beyond those
constexpr int kMostRows = kOwned + kEdge;
constexpr int kFewRows = 96;  // attention_grad.cu holds as many in a smaller block, two of which share a multiprocessor
constexpr int kQueries = 64;  // of a step
constexpr int kEdgeColumns = 288;  // of a tile of the edge by queries: kMostRows, as tiles are wide
constexpr int kAhead = 5;  // runs of y that a thread has on their way

/// What lies where in shared memory.
template <class T, int W>
struct Memory {
  float *lse, *minus_delta;  // of queries; lse for powers of 2
  int* limit;
  Tile<T, W> k, v, q, dy;
  Tile<T, kQueries> ds;                   // two, each [keys, queries of a step]
  Tile<T, kEdgeColumns> edge_p, edge_ds;  // [keys of the edge, queries]

  __device__ Memory(float* from, int keys, int queries)
      : lse(from),
        minus_delta(lse + queries),
        limit(reinterpret_cast<int*>(minus_delta + queries)),
        k{reinterpret_cast<T*>(limit + queries)},
        v{k.end(keys)},
        q{v.end(keys)},
        dy{q.end(queries)},
        ds{dy.end(queries)},
        edge_p{ds.end(2 * keys)},
        edge_ds{edge_p.end(kEdge)} {}

  static size_t bytes(int keys, int queries) {
    const size_t edge = keys > kOwned ? Tile<T, kEdgeColumns>::bytes(2 * kEdge) : 0;
    return 3 * sizeof(float) * queries + Tile<T, W>::bytes(2 * (keys + queries)) + Tile<T, kQueries>::bytes(2 * keys) + edge;
  }
};

/// Two neighbouring tiles of accumulators, times `by`, to `count` rows and `columns` columns at `to`: 8 bytes a lane.
template <class T>
__device__ void store_pair_of_tiles(const float (&c0)[4], const float (&c1)[4], float by, T* to, int64_t stride, int count,
                                    int columns, bool aligned) {
  const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  const bool odd = t % 2 == 1;  // even lanes take the left tile's columns from their neighbour, odd ones the right tile's
  const int column = odd ? 8 + 2 * (t - 1) : 2 * t;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const uint32_t left = pack_pair<T>(by * c0[2 * half], by * c0[2 * half + 1]);
    const uint32_t right = pack_pair<T>(by * c1[2 * half], by * c1[2 * half + 1]);
    const uint32_t given = __shfl_xor_sync(kWholeWarp, odd ? left : right, 1);
    const uint2 run{odd ? given : left, odd ? right : given};
    const int row = g + 8 * half;
    if (row >= count) continue;
    T* out = to + row * stride + column;
    if (aligned && column < columns) {
      *reinterpret_cast<uint2*>(out) = run;
      continue;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (column + i < columns) out[i] = T{static_cast<uint16_t>((i < 2 ? run.x : run.y) >> (16 * (i % 2)))};
  }
}

/// The statistics of a sequence's queries, while copies of dy (the first group) and of the rest are on their way.
template <class T, int W>
__device__ void load_statistics(const AttentionGradArguments<T>& a, const Memory<T, W>& memory, AsyncCopies& copies,
                                const Span& span, int head, int queries) {
  constexpr int kChunks = Tile<T, W>::kChunks;
  const AttentionGrid& grid = a.grid;
  for (int i = threadIdx.x; i < queries; i += blockDim.x) {
    memory.lse[i] = i < span.m ? a.lse[a.statistic(head, span.q_first + i)] * kLog2e : 0.0f;
    memory.limit[i] = i < span.m ? grid.visible(span, i) : 0;
  }
  const int chunk = threadIdx.x % kChunks, column = chunk * kRun, across = blockDim.x / kChunks;
  for (int from = threadIdx.x / kChunks; from < queries; from += kAhead * across) {
    float y[kAhead][kRun];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int row = from + i * across;
      load_run(a.y.row(span.q_first + row) + head * grid.width + column, row < span.m ? grid.width - column : 0, grid.aligned,
               y[i]);
    }
    if (from == static_cast<int>(threadIdx.x / kChunks)) copies.template wait<1>();  // what this thread copied
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int row = from + i * across;
      if (row >= queries) break;  // whole warps, but for the last rows' part of one
      const Pack<T> dy = load_pack(memory.dy.at(row, chunk));
      float sum = 0;
#pragma unroll
      for (int e = 0; e < kRun; ++e) sum = fmaf(y[i][e], as_float(dy.v[e]), sum);
#pragma unroll
      for (int with = kChunks / 2; with > 0; with /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, with);
      if (chunk == 0) memory.minus_delta[row] = -sum;
    }
  }
}

/// All of a sequence and head.
template <class T, int W>
__global__ void __launch_bounds__(kWarp * kMostWarps, 1) attention_grad_whole_kernel(AttentionGradArguments<T> a, int most_keys,
                                                                                     int most_queries) {
  constexpr int kSteps = W / 16;  // of a product over a head's columns
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
  constexpr int kKept = 1;  // of k's: registers for the rest are short
#else
  constexpr int kKept = 2;
#endif
  CW_SHARED_DYNAMIC(float, from);
  const AttentionGrid& grid = a.grid;
  const auto at = grid.place(blockIdx.x);
  if (at.sequence == grid.count) {
    zero_rows(a.dk, grid.offsets[grid.count], grid, at);
    zero_rows(a.dv, grid.offsets[grid.count], grid, at);
    zero_rows(a.dq, grid.asked[grid.count], grid, at);
    return;
  }
  const Span span = grid.span(at.sequence);
  const int warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp, lane = threadIdx.x % kWarp, g = lane / 4;
  const int own = kOwn * warp, asked = rows_for(span.m, most_queries);
  const int column = at.head * grid.width;
  const Memory<T, W> memory(from, most_keys, most_queries);
  const Tile<T, W>&k = memory.k, &v = memory.v, &q = memory.q, &dy = memory.dy;

  AsyncCopies copies;
  const int keys = min((span.n + kOwn - 1) / kOwn * kOwn, most_keys);
  load_tile(copies, dy, asked, a.dy.row(span.q_first) + column, a.dy.stride, span.m, grid.width, grid.aligned);
  copies.commit();
  load_tile(copies, k, keys, a.k.row(span.first) + column, a.k.stride, span.n, grid.width, grid.aligned);
  load_tile(copies, v, keys, a.v.row(span.first) + column, a.v.stride, span.n, grid.width, grid.aligned);
  load_tile(copies, q, asked, a.q.row(span.q_first) + column, a.q.stride, span.m, grid.width, grid.aligned);
  copies.commit();
  load_statistics(a, memory, copies, span, at.head, asked);
  copies.template wait<0>();
  __syncthreads();

  const bool works = own < min(span.n, kOwned), edge = span.n > kOwned, in_order = grid.causal && !grid.positions;
  const bool masked = grid.causal || own + kOwn > span.n;
  Fragment own_k[2][kKept], own_v[2][kSteps];
  if (works)
#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
      for (int c = 0; c < kSteps; ++c) {
        if (c < kKept) own_k[m][c] = k.left(own + 16 * m, 16 * c);
        own_v[m][c] = v.left(own + 16 * m, 16 * c);
      }
  float dk[2][W / 8][4] = {}, dv[2][W / 8][4] = {};
#pragma unroll 1
  for (int q0 = 0; q0 < asked; q0 += kQueries) {
    const Tile<T, kQueries> ds{memory.ds.end(q0 / kQueries % 2 * most_keys)};
    const int end = min(q0 + kQueries, asked);
    if (works)
#pragma unroll 1
      for (int row = q0; row < end; row += 16) {
        if (in_order && row + 16 <= own) continue;  // none of these queries sees this warp's keys
        float p[2][2][4] = {}, dp[2][2][4];
#pragma unroll
        for (int m = 0; m < 2; ++m) of_queries(memory.minus_delta, row, dp[m]);
#pragma unroll
        for (int c = 0; c < kSteps; ++c) {
          const Fragment right = q.right_turned(row, 16 * c);
#pragma unroll
          for (int m = 0; m < 2; ++m)
            multiply_add<T>(p[m][0], p[m][1], c < kKept ? own_k[m][c] : k.left(own + 16 * m, 16 * c), right);
        }
#pragma unroll
        for (int c = 0; c < kSteps; ++c) {
          const Fragment right = dy.right_turned(row, 16 * c);
#pragma unroll
          for (int m = 0; m < 2; ++m) multiply_add<T>(dp[m][0], dp[m][1], own_v[m][c], right);
        }
        Fragment left_p[2], left_ds[2];
#pragma unroll
        for (int m = 0; m < 2; ++m) {
          probabilities(memory.lse, memory.limit, grid.log2_scale, masked, own + 16 * m + g, row, p[m], dp[m]);
          left_p[m] = as_left<T>(p[m][0], p[m][1]);
          left_ds[m] = as_left<T>(dp[m][0], dp[m][1]);
#pragma unroll
          for (int j = 0; j < 2; ++j) ds.put(own + 16 * m, row - q0 + 8 * j, dp[m][j]);
        }
#pragma unroll
        for (int c = 0; c < kSteps; ++c) {
          const Fragment right = dy.right(row, 16 * c);
#pragma unroll
          for (int m = 0; m < 2; ++m) multiply_add<T>(dv[m][2 * c], dv[m][2 * c + 1], left_p[m], right);
        }
#pragma unroll
        for (int c = 0; c < kSteps; ++c) {
          const Fragment right = q.right(row, 16 * c);
#pragma unroll
          for (int m = 0; m < 2; ++m) multiply_add<T>(dk[m][2 * c], dk[m][2 * c + 1], left_ds[m], right);
        }
      }

    // The edge: 16 queries a warp, by turns of four warps.
    if (const int row = q0 + 16 * (warp % 4); edge && warp / 4 == q0 / kQueries % 2 && row < end) {
      float p[2][4] = {}, dp[2][4];
      of_queries(memory.minus_delta, row, dp);
#pragma unroll
      for (int c = 0; c < kSteps; ++c) {
        multiply_add<T>(p[0], p[1], k.left(kOwned, 16 * c), q.right_turned(row, 16 * c));
        multiply_add<T>(dp[0], dp[1], v.left(kOwned, 16 * c), dy.right_turned(row, 16 * c));
      }
      probabilities(memory.lse, memory.limit, grid.log2_scale, true, kOwned + g, row, p, dp);
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        memory.edge_p.put(0, row + 8 * j, p[j]);
        memory.edge_ds.put(0, row + 8 * j, dp[j]);
        ds.put(kOwned, row - q0 + 8 * j, dp[j]);
      }
    }
    __syncthreads();  // dS of these queries is there, and the other buffer has been read

    // dq in pieces of 16 queries and 32 columns.
    for (int piece = warp; piece < (end - q0) / 16 * (W / 32); piece += warps) {
      const int row = q0 + piece / (W / 32) * 16, c = piece % (W / 32) * 32;
      const int reach = grid.most_visible(span, row + 16);
      float sums[4][4] = {};
#pragma unroll 2
      for (int j = 0; j < reach; j += 16) {
        const Fragment turned = ds.left_turned(j, row - q0);
        multiply_add<T>(sums[0], sums[1], turned, k.right(j, c));
        multiply_add<T>(sums[2], sums[3], turned, k.right(j, c + 16));
      }
      T* to = a.dq.row(span.q_first + row) + column + c;
#pragma unroll
      for (int j = 0; j < 2; ++j)
        store_pair_of_tiles(sums[2 * j], sums[2 * j + 1], grid.scale, to + 16 * j, a.dq.stride, span.m - row,
                            grid.width - c - 16 * j, grid.aligned);
    }
  }

  // Through the warp's own rows of v, so that they are written in long runs.
  if (works)
#pragma unroll
    for (int which = 0; which < 2; ++which) {
      const View<T>& to = which ? a.dk : a.dv;
#pragma unroll
      for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int j = 0; j < W / 8; ++j)
          v.put(own + 16 * m, 8 * j, which ? dk[m][j] : dv[m][j], which ? grid.scale : 1.0f, which ? grid.scale : 1.0f);
      __syncwarp();
      store_tile(v, own, kOwn, to.row(span.first + own) + column, to.stride, span.n - own, grid.width, grid.aligned, lane,
                 kWarp);
      __syncwarp();
    }

  // dv and dk of the edge in pieces of 16 columns.
  if (edge)
    for (int piece = warp; piece < 2 * kSteps; piece += warps) {
      const bool keys_grad = piece >= kSteps;
      const int c = piece % kSteps * 16;
      const Tile<T, kEdgeColumns> left{keys_grad ? memory.edge_ds.data : memory.edge_p.data};
      const Tile<T, W> right{keys_grad ? q.data : dy.data};
      float sums[2][4] = {};
#pragma unroll 2
      for (int row = 0; row < asked; row += 16) multiply_add<T>(sums[0], sums[1], left.left(0, row), right.right(row, c));
      T* to = (keys_grad ? a.dk.row(span.first + kOwned) : a.dv.row(span.first + kOwned)) + column + c;
      store_pair_of_tiles(sums[0], sums[1], keys_grad ? grid.scale : 1.0f, to, keys_grad ? a.dk.stride : a.dv.stride,
                          span.n - kOwned, grid.width - c, grid.aligned);
    }
}

struct Shape {
  int warps, keys, queries;

  explicit Shape(const AttentionGrad& op) {
    const int64_t longest = op.sequences.max_length, most = most_queries(op.queries, op.sequences);
    warps = static_cast<int>(std::clamp<int64_t>(ceil_div(longest, kOwn), 4, kMostWarps));
    keys = static_cast<int>(longest > kOwned ? kMostRows : ceil_div(longest, kOwn) * kOwn);
    queries = static_cast<int>(ceil_div(std::max<int64_t>(most, 1), 16) * 16);
  }
};

/// Calls body.operator()<T, W>(), for heads that the kernel takes.
template <class Body>
auto by_type_and_width(const AttentionGrad& op, Body&& body) {
  const auto of_type = [&]<class T>() {
    return op.q.cols / op.heads <= 32 ? body.template operator()<T, 32>() : body.template operator()<T, 64>();
  };
  return op.q.dtype == DType::bf16 ? of_type.template operator()<bf16>() : of_type.template operator()<f16>();
}

}  // namespace

bool attention_grad_is_whole(const AttentionGrad& op, size_t most_shared) {
  const int64_t longest = op.sequences.max_length, most = std::max(longest, most_queries(op.queries, op.sequences));
  if (op.drop || op.q.dtype == DType::f32 || op.q.cols / op.heads > 64 || longest <= kFewRows || most > kMostRows) return false;
  const Shape shape(op);
  return by_type_and_width(op, [&]<class T, int W>() { return Memory<T, W>::bytes(shape.keys, shape.queries) <= most_shared; });
}

void attention_grad_whole(cudaStream_t stream, const AttentionGrad& op) {
  const Shape shape(op);
  by_type_and_width(op, [&]<class T, int W>() {
    const auto a = attention_grad_arguments<T>(op, {}, 1, shape.keys);
    launch(stream,
           {"attention_grad_whole", blocks_of(a.grid), static_cast<unsigned>(kWarp * shape.warps),
            Memory<T, W>::bytes(shape.keys, shape.queries)},
           attention_grad_whole_kernel<T, W>, a, shape.keys, shape.queries);
  });
}

}  // namespace cw
