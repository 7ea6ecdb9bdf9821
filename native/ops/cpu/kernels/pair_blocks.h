// A tile of products is worked on in blocks of kPairRows rows, which stay in a core's cache.
#pragma once
#include "ops/cpu/kernels/pairs.h"
#include "ops/cpu/kernels/simd.h"

namespace cw::CW_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();

struct Block {
  float* dots;  // of its first row
  int64_t first, rows;
};

inline Block block_of(const PairTile& t, int64_t index) {
  const int64_t first = index * kPairRows, left = t.rows - first;
  return {t.dots + first * t.stride, first, left < kPairRows ? left : kPairRows};
}

inline int64_t block_count(const PairTile& t) { return (t.rows + kPairRows - 1) / kPairRows; }

/// Pairs of one group become -infinity, except the true pair: exp() then makes them 0 in every sum.
inline void mask_groups(const PairTile& t, const Block& b) {
  for (int64_t r = 0; r < b.rows; ++r) {
    float* row = b.dots + r * t.stride;
    const int32_t group = t.row_groups[b.first + r];
    const int64_t own = t.diagonal + b.first + r;
    const bool inside = own >= 0 && own < t.cols;
    const float kept = inside ? row[own] : 0;
    for (int64_t c = 0; c < t.cols; ++c) row[c] = t.col_groups[c] == group ? -kInfinity : row[c];
    if (inside) row[own] = kept;
  }
}

}  // namespace
}  // namespace cw::CW_ISA
