// index_add: rows are sorted by key, then summed in chunks of 32. A key may have one row or a third of them all (CLIP's
// start of text), so chunks share the work evenly: the sum of a key's first chunk goes to y, those of the chunks after it
// to scratch (`carried`), from where a second kernel adds them.
#include "ops/cuda/index_add.h"

#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;
constexpr int kChunk = kWarp;           // sorted rows that a warp sums, a lane holding the key of each
constexpr int kColumns = kWarp * kRun;  // columns of a warp
constexpr int kInFlight = 4;            // rows loaded before they are added

/// A warp's share: one chunk and one range of columns.
struct Share {
  int64_t chunks, groups;  // of rows, of columns

  __host__ __device__ int64_t warps() const { return chunks * groups; }
  __device__ int64_t chunk() const { return first_thread() / kWarp / groups; }
  __device__ int64_t col() const { return first_thread() / kWarp % groups * kColumns + threadIdx.x % kWarp * kRun; }
};

__device__ inline void add_run(float* to, int64_t count, bool aligned, const float (&v)[kRun]) {
  float sum[kRun];
  load_run(to, count, aligned, sum);
#pragma unroll
  for (int k = 0; k < kRun; ++k) sum[k] += v[k];
  store_run(to, count, aligned, sum);
}

/// Sums of each chunk's stretches of one key: into y where the key begins, into carried[chunk] where it goes on.
template <class T>
__global__ void sum_chunks_kernel(Share share, View<const T> x, const KeyedRow* sorted, View<float> y, View<float> carried,
                                  bool aligned) {
  const int64_t chunk = share.chunk(), c = share.col(), left = x.cols - c, first = chunk * kChunk;
  if (chunk >= share.chunks) return;
  const int lane = threadIdx.x % kWarp, limit = static_cast<int>(y.rows);
  const KeyedRow mine = first + lane < x.rows ? sorted[first + lane] : KeyedRow{limit, 0};
  int key = __shfl_sync(kWholeWarp, mine.key, 0);
  bool goes_on = chunk > 0 && sorted[first - 1].key == key;
  float sum[kRun] = {};
  const auto put = [&] {
    if (goes_on)
      store_run(carried.row(chunk) + c, left, aligned, sum);
    else
      add_run(y.row(key) + c, left, aligned, sum);
  };
  for (int i = 0; i < kChunk && key < limit; i += kInFlight) {
    int keys[kInFlight];
    float v[kInFlight][kRun];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      keys[k] = __shfl_sync(kWholeWarp, mine.key, i + k);
      const int row = __shfl_sync(kWholeWarp, mine.row, i + k);
      load_run(x.row(row) + c, keys[k] < limit ? left : 0, aligned, v[k]);
    }
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      if (keys[k] != key) {
        if (key < limit) put();
        key = keys[k];
        goes_on = false;
#pragma unroll
        for (float& s : sum) s = 0;
      }
#pragma unroll
      for (int j = 0; j < kRun; ++j) sum[j] += v[k][j];
    }
  }
  if (key < limit) put();
}

/// Adds to y what was carried: the chunk in which a key begins sees to it.
__global__ void add_carried_kernel(Share share, const KeyedRow* sorted, View<const float> carried, View<float> y, bool aligned) {
  const int64_t chunk = share.chunk(), c = share.col(), left = y.cols - c;
  if (chunk + 1 >= share.chunks) return;
  const int key = sorted[(chunk + 1) * kChunk - 1].key;
  if (key >= y.rows || (chunk > 0 && sorted[chunk * kChunk - 1].key == key)) return;
  const int lane = threadIdx.x % kWarp;
  float sum[kRun] = {};
  for (int64_t next = chunk + 1;; next += kWarp) {
    const bool goes_on = next + lane < share.chunks && sorted[(next + lane) * kChunk].key == key;
    const unsigned votes = __ballot_sync(kWholeWarp, goes_on);
    const int count = votes == kWholeWarp ? kWarp : __ffs(static_cast<int>(~votes)) - 1;
    if (count == 0 && next == chunk + 1) return;
#pragma unroll 4
    for (int i = 0; i < count; ++i) {
      float v[kRun];
      load_run(carried.row(next + i) + c, left, aligned, v);
#pragma unroll
      for (int k = 0; k < kRun; ++k) sum[k] += v[k];
    }
    if (count < kWarp) break;
  }
  add_run(y.row(key) + c, left, aligned, sum);
}

}  // namespace

void index_add(Workspace& work, cudaStream_t stream, const IndexAdd& op) {
  const Frame frame(work.arena());
  const Tensor sorted = stable_sort(work, stream, op.keys);
  const Share share{.chunks = ceil_div(op.x.rows, kChunk), .groups = ceil_div(op.x.cols, kColumns)};
  const Tensor carried = work.take(share.chunks, op.x.cols, DType::f32);
  if (!work.live()) return;
  if (!op.accumulate) CW_CUDA(cudaMemsetAsync(op.y.data, 0, op.y.bytes(), stream));
  const unsigned grid = blocks_for(share.warps(), kThreads / kWarp);
  const bool aligned = rows_aligned(op.x) && rows_aligned(op.y) && rows_aligned(carried);
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream, {"sum_chunks", grid, kThreads}, sum_chunks_kernel<T>, share, view<const T>(op.x), sorted.as<KeyedRow>(),
           view<float>(op.y), view<float>(carried), aligned);
  });
  launch(stream, {"add_carried", grid, kThreads}, add_carried_kernel, share, sorted.as<KeyedRow>(), view<const float>(carried),
         view<float>(op.y), aligned);
}

}  // namespace cw
