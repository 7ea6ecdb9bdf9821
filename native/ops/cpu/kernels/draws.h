// Draws of dropout as factors, 0 or 1/(1 - rate): many counters of Philox side by side, in loops that compilers turn into
// vectors. core/dropout.h says which draw is whose.
#pragma once
#include <cstdint>

#include "core/dropout.h"
#include "ops/dropout.h"

namespace cw::CW_ISA {
namespace {

constexpr int kCounters = 16;  // at a time

/// A dropout's draws of one head.
struct Drawn {
  DropoutStream stream;
  uint32_t first, bound;  // first: the first sequence's number
  float scale;

  explicit Drawn(const Drop& drop, int64_t head = 0) : bound(dropout_bound(drop.rate)), scale(dropout_scale(drop.rate)) {
    const auto* words = static_cast<const uint32_t*>(drop.draws.counter.data);
    stream = dropout_stream(uint64_t{words[1]} << 32 | words[0], words[2], static_cast<uint32_t>(drop.site),
                            static_cast<uint32_t>(head));
    first = words[3];
  }
};

/// The words of kCounters draws.
struct Words {
  alignas(64) uint32_t v[4][kCounters];
};

/// philox() of core/philox.h for the indices sequence·2^32 + low[i].
inline void draw(const DropoutStream& s, uint32_t sequence, const uint32_t (&low)[kCounters], Words& out) {
  auto& [c0, c1, c2, c3] = out.v;
  for (int i = 0; i < kCounters; ++i) {
    c0[i] = low[i];
    c1[i] = sequence;
    c2[i] = static_cast<uint32_t>(s.stream);
    c3[i] = static_cast<uint32_t>(s.stream >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(s.seed), k1 = static_cast<uint32_t>(s.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kCounters; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0[i], p1 = uint64_t{0xCD9E8D57u} * c2[i];
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = static_cast<uint32_t>(p1);
      c3[i] = static_cast<uint32_t>(p0);
      c0[i] = n0;
      c2[i] = n2;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

inline float factor(const Drawn& d, uint32_t bits) { return bits < d.bound ? 0.0f : d.scale; }

/// Factors of columns column .. column + 128 of a row of sequence s; `column` is a multiple of 8.
constexpr int64_t kDrawnColumns = 8 * kCounters;
inline void draw_columns_of(const Drawn& d, uint32_t s, uint32_t position, int64_t column, float* factors) {
  uint32_t low[kCounters];
  for (int i = 0; i < kCounters; ++i) low[i] = position << 16 | static_cast<uint32_t>(column / 8 + i);
  Words words;
  draw(d.stream, d.first + s, low, words);
  for (int i = 0; i < kCounters; ++i)
    for (int k = 0; k < 8; ++k) factors[8 * i + k] = factor(d, words.v[k / 2][i] >> (16 * (k % 2)) & 0xffffu);
}

/// Factors of a query of sequence s for its keys 0 .. n, rounded up to a multiple of 64.
constexpr int64_t kDrawnKeys = 64;
inline void draw_query_of(const Drawn& d, uint32_t s, uint32_t query, int64_t n, float* factors) {
  const uint32_t half = query / 8 % 2 * 2;
  for (int64_t j = 0; j < n; j += kDrawnKeys) {
    uint32_t low[kCounters];  // four squares of keys, and four draws in each
    for (int i = 0; i < kCounters; ++i)
      low[i] = query / 16 << 17 | static_cast<uint32_t>(j / 16 + i / 4) << 5 | (query % 8 * 4 + static_cast<uint32_t>(i % 4));
    Words words;
    draw(d.stream, d.first + s, low, words);
    for (int i = 0; i < kCounters; ++i)
      for (int k = 0; k < 4; ++k)
        factors[j + 16 * (i / 4) + 8 * (k / 2) + 2 * (i % 4) + k % 2] =
            factor(d, words.v[half + static_cast<uint32_t>(k / 2)][i] >> (16 * (k % 2)) & 0xffffu);
  }
}

}  // namespace
}  // namespace cw::CW_ISA
