// stable_sort: a radix sort from the lowest digit up. In each pass blocks count the digits of their tile, then place its
// items: behind all smaller digits, behind the same digit in tiles before, in warps before and in lanes before. Atomics
// count only, so the result does not depend on their order.
#include "ops/cuda/stable_sort.h"

#include <bit>

#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kThreads = kDigits;  // a thread for each digit where digits are scanned
constexpr int kWarps = kThreads / kWarp;
constexpr int kRounds = 4;  // items of a thread
constexpr int kTile = kThreads * kRounds;

/// Where a pass reads: the pass before, or the keys themselves.
struct Items {
  const KeyedRow* sorted;  // null in the first pass
  const int32_t *ids, *end;
  int count, limit;  // T; the key of rows that have none

  __device__ KeyedRow at(int i) const {
    if (sorted) return sorted[i];
    if (i >= *end) return {limit, i};
    const int id = ids[i];
    return {id >= 0 && id < limit ? id : limit, i};
  }
};

__device__ inline int digit_of(KeyedRow item, int shift) { return item.key >> shift & (kDigits - 1); }

/// counts[tile, digit]
__global__ void count_digits_kernel(Items items, int shift, int* counts) {
  CW_SHARED(int, mine, [kDigits]);
  mine[threadIdx.x] = 0;
  __syncthreads();
  const int first = static_cast<int>(blockIdx.x) * kTile + static_cast<int>(threadIdx.x);
#pragma unroll
  for (int r = 0; r < kRounds; ++r) {
    const int i = first + r * kThreads;
    if (i < items.count) atomicAdd(&mine[digit_of(items.at(i), shift)], 1);
  }
  __syncthreads();
  counts[static_cast<int64_t>(blockIdx.x) * kDigits + threadIdx.x] = mine[threadIdx.x];
}

/// Σ of x over the threads before this one. All threads must call it.
__device__ inline int sum_before(int x) {
  CW_SHARED(int, sums, [kWarps]);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int sum = x;
#pragma unroll
  for (int by = 1; by < kWarp; by *= 2) {
    const int other = __shfl_up_sync(kWholeWarp, sum, by);
    if (lane >= by) sum += other;
  }
  if (lane == kWarp - 1) sums[warp] = sum;
  __syncthreads();
  for (int w = 0; w < warp; ++w) sum += sums[w];
  return sum - x;
}

/// The lanes whose item has this lane's digit, among those that have an item.
__device__ inline unsigned peers_of(int digit, bool has_item) {
  unsigned peers = __ballot_sync(kWholeWarp, has_item);
#pragma unroll
  for (int bit = 0; bit < kDigitBits; ++bit) {
    const bool set = digit >> bit & 1;
    const unsigned votes = __ballot_sync(kWholeWarp, set);
    peers &= set ? votes : ~votes;
  }
  return peers;
}

__global__ void place_kernel(Items items, int shift, const int* counts, KeyedRow* to) {
  CW_SHARED(int, places, [kWarps][kDigits]);  // how many a warp has of a digit; then where they begin
  const int digit = threadIdx.x, lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) places[w][digit] = 0;
  __syncthreads();

  // A warp has a stretch of the tile, in order.
  const int first = static_cast<int>(blockIdx.x) * kTile + warp * kWarp * kRounds + lane;
  KeyedRow item[kRounds];
  int rank[kRounds];
#pragma unroll
  for (int r = 0; r < kRounds; ++r) {
    const int i = first + r * kWarp;
    const bool has_item = i < items.count;
    item[r] = has_item ? items.at(i) : KeyedRow{0, 0};
    const int d = digit_of(item[r], shift);
    const unsigned peers = peers_of(d, has_item), before = peers & ((1u << lane) - 1);
    const int earlier = places[warp][d];
    rank[r] = earlier + __popc(before);
    __syncwarp();
    if (has_item && before == 0) places[warp][d] = earlier + __popc(peers);
    __syncwarp();
  }

  int same_before = 0, all = 0;
  for (unsigned tile = 0; tile < gridDim.x; ++tile) {
    const int n = counts[static_cast<int64_t>(tile) * kDigits + digit];
    all += n;
    if (tile < blockIdx.x) same_before += n;
  }
  int begin = sum_before(all) + same_before;  // its barrier also ends the warps' counting
#pragma unroll
  for (int w = 0; w < kWarps; ++w) {
    const int n = places[w][digit];
    places[w][digit] = begin;
    begin += n;
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < kRounds; ++r)
    if (first + r * kWarp < items.count) to[places[warp][digit_of(item[r], shift)] + rank[r]] = item[r];
}

}  // namespace

Tensor stable_sort(Workspace& work, cudaStream_t stream, const RowKeys& keys) {
  const int64_t rows = keys.ids.cols, tiles = ceil_div(rows, kTile);
  const Tensor sorted = work.take(rows, 2, DType::i32);
  const Frame frame(work.arena());
  const Tensor other = work.take(rows, 2, DType::i32), counts = work.take(tiles, kDigits, DType::i32);
  if (!work.live()) return sorted;
  const int passes = static_cast<int>(ceil_div(std::bit_width(static_cast<uint64_t>(keys.count)), kDigitBits));
  Items from{.ids = keys.ids.as<int32_t>(), .end = keys.end, .count = static_cast<int>(rows), .limit = static_cast<int>(keys.count)};
  for (int pass = 0; pass < passes; ++pass) {
    auto* const to = ((passes - pass) % 2 ? sorted : other).as<KeyedRow>();  // the last pass ends in `sorted`
    const auto grid = static_cast<unsigned>(tiles);
    launch(stream, {"count_digits", grid, kThreads}, count_digits_kernel, from, pass * kDigitBits, counts.as<int>());
    launch(stream, {"place", grid, kThreads}, place_kernel, from, pass * kDigitBits, counts.as<int>(), to);
    from.sorted = to;
  }
  return sorted;
}

}  // namespace cw
