// Which of a lane's probabilities are kept. A square of 16 queries and 16 keys has one draw of eight elements a lane, whichever
// way it lies in accumulators: with keys in rows, lanes of neighbouring keys draw for each other.
#pragma once
#include "ops/cuda/device/attention_tile.cuh"
#include "ops/cuda/device/dropout.cuh"

namespace cw {

/// The bits of a lane's eight elements of two tiles of accumulators: two in each word.
struct DropBits {
  uint32_t words[2][2];
};

/// A sequence's and head's draws.
struct AttentionDraws {
  const DropArguments& drop;
  const AttentionGrid& grid;
  const Span& span;
  DropoutStream stream;
  uint32_t sequence;

  __device__ AttentionDraws(const DropArguments& drop, const AttentionGrid& grid, const Span& span,
                            const AttentionGrid::Place& at)
      : drop(drop), grid(grid), span(span), stream(drop.stream(at.head)), sequence(drop.first_sequence() + at.sequence) {}

  /// Of one query and key, for kernels whose lanes hold no squares.
  __device__ bool keeps(int query, int key) const {
    const uint32_t q = grid.position(span, query);
    const Philox4 draw = draw_square(stream, sequence, q, key, number_in_square(q, key));
    const uint32_t element = element_in_square(q, key);  // an index would put the draw into local memory
    const uint32_t first = element / 4 ? draw.v[2] : draw.v[0], second = element / 4 ? draw.v[3] : draw.v[1];
    return drop.keeps((element / 2 % 2 ? second : first) >> (16 * (element % 2)) & 0xffffu);
  }

  /// Of accumulators [16 queries, 16 keys], the first of which are `query` and `key`, both multiples of 16.
  __device__ DropBits by_queries(int query, int key) const {
    const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
    if (!grid.positions) {
      const Philox4 draw = draw_square(stream, sequence, query, key, lane);
      return {{{draw.v[0], draw.v[1]}, {draw.v[2], draw.v[3]}}};
    }
    DropBits bits;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint32_t q = grid.position(span, query + g + 8 * half);
      const Philox4 draw = draw_square(stream, sequence, q, key, q % 8 * 4 + t);
#pragma unroll
      for (int n = 0; n < 2; ++n) bits.words[half][n] = q / 8 % 2 ? draw.v[2 + n] : draw.v[n];
    }
    return bits;
  }
  /// Element e of tile n of by_queries.
  __device__ bool keeps_by_queries(const DropBits& bits, int n, int e) const {
    return drop.keeps(bits.words[e / 2][n] >> (16 * (e % 2)) & 0xffffu);
  }

  /// Of accumulators [16 keys, 16 queries].
  __device__ DropBits by_keys(int query, int key) const {
    const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4, odd = g % 2;
    // The halves of two words that are of the lane's keys, or of its neighbour's.
    const auto halves = [](uint32_t a, uint32_t b, int second) {
      return (a >> (16 * second) & 0xffffu) | (b >> (16 * second) << 16);
    };
    DropBits bits;
    if (!grid.positions) {
      const Philox4 draw = draw_square(stream, sequence, query, key, (2 * t + odd) * 4 + g / 2);
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const uint32_t own = halves(draw.v[2 * j], draw.v[2 * j + 1], odd);
        const uint32_t given = __shfl_xor_sync(kWholeWarp, halves(draw.v[2 * j], draw.v[2 * j + 1], 1 - odd), 4);
        bits.words[0][j] = odd ? given : own;
        bits.words[1][j] = odd ? own : given;
      }
      return bits;
    }
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int parity = 0; parity < 2; ++parity) {
        const uint32_t q = grid.position(span, query + 8 * j + 2 * t + parity);
        const Philox4 draw = draw_square(stream, sequence, q, key, q % 8 * 4 + g / 2);
        const bool later = q / 8 % 2;
        bits.words[parity][j] = halves(later ? draw.v[2] : draw.v[0], later ? draw.v[3] : draw.v[1], odd);
      }
    return bits;
  }
  /// Element e of tile j of by_keys.
  __device__ bool keeps_by_keys(const DropBits& bits, int j, int e) const {
    return drop.keeps(bits.words[e % 2][j] >> (16 * (e / 2)) & 0xffffu);
  }
};

}  // namespace cw
