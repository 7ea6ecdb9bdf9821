// Which elements dropout leaves out: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
// (JMLR 2014). An element's draw is a pure function of the run's seed, the step, the place in the model (a site) and the place
// in the batch, so that micro-batches, recomputed blocks, resumed runs and devices leave out the same; nobody stores a mask.
// A draw of Philox gives eight elements 16 bits each: rates are whole 65536ths. Kernels of every backend include this.
#pragma once
#include <cstdint>

#include "core/philox.h"

namespace cw {

/// One dropout of one step: Stream.dropout of lib/base/random.ts, whose draws are laid out in the same way.
struct DropoutStream {
  uint64_t seed, stream;
};

constexpr int64_t kDropoutSites = 1 << 13;  // bits 8 to 20 of the stream
constexpr int64_t kDropoutHeads = 1 << 11;  // bits 21 to 31

CW_HOST_DEVICE static inline DropoutStream dropout_stream(uint64_t seed, uint32_t step, uint32_t site, uint32_t head = 0) {
  return {seed, uint64_t{step} << 32 | head << 21 | site << 8 | 9};
}

/// Of columns 8·run .. 8·run + 7 of the row at `position` of a sequence, whose number in the batch is `sequence`.
CW_HOST_DEVICE static inline Philox4 draw_columns(const DropoutStream& s, uint32_t sequence, uint32_t position, uint32_t run) {
  return philox(s.seed, s.stream, uint64_t{sequence} << 32 | position << 16 | run);
}

/// Of attention's probabilities, a square of 16 queries and 16 keys of a sequence. Number 4·g + t of its 32 draws is of queries g and g + 8 and keys 2t, 2t + 1, 2t + 8 and 2t + 9, as a lane of a warp has them where tensor
/// cores multiply.
CW_HOST_DEVICE static inline Philox4 draw_square(const DropoutStream& s, uint32_t sequence, uint32_t query, uint32_t key,
                                                 uint32_t number) {
  return philox(s.seed, s.stream, uint64_t{sequence} << 32 | query / 16 << 17 | key / 16 << 5 | number);
}
/// Which of the square's draws a query and a key have, and which element of it.
CW_HOST_DEVICE static inline uint32_t number_in_square(uint32_t query, uint32_t key) { return query % 8 * 4 + key % 8 / 2; }
CW_HOST_DEVICE static inline uint32_t element_in_square(uint32_t query, uint32_t key) {
  return query / 8 % 2 * 4 + key / 8 % 2 * 2 + key % 2;
}

/// Element k, 0 .. 7, of a draw.
CW_HOST_DEVICE static inline uint32_t dropout_bits(const Philox4& draw, uint32_t k) {
  return draw.v[k / 2] >> (16 * (k % 2)) & 0xffffu;
}

/// Elements whose bits lie below it are left out. rate: 0 up to, but not, 1.
static inline uint32_t dropout_bound(float rate) { return static_cast<uint32_t>(rate * 65536.0f + 0.5f); }

/// What the others are multiplied by: 1/(1 - rate), for the rate as it is drawn.
static inline float dropout_scale(float rate) { return 65536.0f / static_cast<float>(65536u - dropout_bound(rate)); }

}  // namespace cw
