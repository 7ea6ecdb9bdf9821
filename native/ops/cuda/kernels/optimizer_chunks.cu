// Chunks of segments: how many there are, and where each segment's begin.
#include "ops/cuda/chunks.h"

#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/optimizer.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

/// starts[k] = chunks of the segments before k. One warp: each lane adds up a range of segments of its own.
__global__ void chunk_starts_kernel(const Segment* segments, int64_t count, int64_t* starts) {
  const int lane = threadIdx.x;
  const int64_t each = (count + kWarp - 1) / kWarp, first = lane * each;
  const int64_t end = first + each < count ? first + each : count;
  int64_t mine = 0;
  for (int64_t k = first; k < end; ++k) mine += chunks_of(segments[k]);
  int64_t before = mine;
#pragma unroll
  for (int by = 1; by < kWarp; by *= 2) {
    const int64_t left = __shfl_up_sync(kWholeWarp, before, by);
    if (lane >= by) before += left;
  }
  before -= mine;
  for (int64_t k = first; k < end; ++k) {
    starts[k] = before;
    before += chunks_of(segments[k]);
  }
}

}  // namespace

int64_t chunks_of(const Segments& all) {
  int64_t chunks = 0;
  for (int64_t k = 0; k < all.count; ++k) chunks += chunks_of(all.items[k]);
  return chunks;
}

Tensor take_starts(Workspace& work, const Segments& segments) {
  return work.take(segments.count, sizeof(int64_t), DType::u8);
}

void put_starts(cudaStream_t stream, const Segment* segments, int64_t count, const Tensor& starts) {
  launch(stream, {"chunk_starts", count > 0 ? 1u : 0u, kWarp}, chunk_starts_kernel, segments, count, starts.as<int64_t>());
}

}  // namespace cw
