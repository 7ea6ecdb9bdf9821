// What kernels over all parameters share: a block has a chunk of a segment, which it finds through the table of where each
// segment's begin (chunks.h).
#pragma once
#include <cstdint>

#include "ops/cuda/launch.h"
#include "ops/optimizer.h"

namespace cw {

constexpr int64_t kChunk = 8192;  // elements of a block

__host__ __device__ inline int64_t chunks_of(const Segment& s) { return (s.count + kChunk - 1) / kChunk; }

struct Chunk {
  const Segment* segment;
  int64_t first, end;
};

/// The last segment that starts at or before this block; empty ones share the start of the next, so they are never last.
__device__ inline Chunk chunk_of_block(const Segment* segments, int64_t count, const int64_t* starts) {
  const int64_t chunk = blockIdx.x;
  int64_t low = 0, high = count;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (starts[middle] <= chunk)
      low = middle;
    else
      high = middle;
  }
  const Segment* s = segments + low;
  const int64_t first = (chunk - starts[low]) * kChunk;
  return {s, first, first + kChunk < s->count ? first + kChunk : s->count};
}

__device__ inline float& at(float* control, Control c) { return control[static_cast<int>(c)]; }

__device__ inline bool at_16_bytes(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

}  // namespace cw
