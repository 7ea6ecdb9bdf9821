// What dropout draws from, read from its op.
#pragma once
#include "core/dropout.h"
#include "ops/dropout.h"
#include "ops/reference/matrix.h"

namespace cw {

struct DropDraws {
  uint64_t seed;
  uint32_t step, first, site, bound;  // first: the first sequence's number
  double scale;

  explicit DropDraws(const Drop& drop)
      : site(static_cast<uint32_t>(drop.site)), bound(dropout_bound(drop.rate)), scale(dropout_scale(drop.rate)) {
    const std::vector<int32_t> words = indices(drop.draws.counter);
    const auto word = [&](size_t i) { return static_cast<uint32_t>(words[i]); };
    seed = uint64_t{word(1)} << 32 | word(0), step = word(2), first = word(3);
  }
  DropoutStream stream(int64_t head = 0) const { return dropout_stream(seed, step, site, static_cast<uint32_t>(head)); }
  /// What an element is multiplied by.
  double factor(const Philox4& draw, uint32_t element) const { return dropout_bits(draw, element) < bound ? 0 : scale; }
};

}  // namespace cw
