// Packed sequences for cases: lengths in, offsets and positions out.
#pragma once
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "test/conformance/rig.h"

namespace cw::test {

using Lengths = std::vector<int32_t>;

inline std::vector<int32_t> offsets_of(const Lengths& lengths) {
  std::vector<int32_t> offsets(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), offsets.begin() + 1);
  return offsets;
}

inline int64_t tokens_in(const Lengths& lengths) { return offsets_of(lengths).back(); }

inline int64_t longest(const Lengths& lengths) { return *std::max_element(lengths.begin(), lengths.end()); }

/// Each row's place within its sequence; filler rows stand at 0.
inline std::vector<int32_t> positions_in(const Lengths& lengths, int64_t filler) {
  std::vector<int32_t> positions;
  for (const int32_t n : lengths)
    for (int32_t i = 0; i < n; ++i) positions.push_back(i);
  positions.resize(positions.size() + static_cast<size_t>(filler), 0);
  return positions;
}

inline Sequences put_sequences(Rig& rig, const Lengths& lengths) {
  return {.offsets = rig.ints("sequences.offsets", offsets_of(lengths)),
          .count = static_cast<int64_t>(lengths.size()),
          .max_length = longest(lengths)};
}

/// A dropout of the step and site that cases have; the first sequence is number 6 of the batch. places: two numbers a row.
inline Drop put_drop(Rig& rig, float rate, const std::vector<int32_t>& places = {}) {
  Drop drop{.draws = {.counter = rig.ints("drop.counter", {-5, 2, 31, 6})}, .site = 17, .rate = rate};
  if (places.empty()) return drop;
  drop.draws.places = rig.ints("drop.places", places);
  drop.draws.places.rows = 2, drop.draws.places.cols = drop.draws.places.stride = static_cast<int64_t>(places.size()) / 2;
  return drop;
}

inline std::string joined(const Lengths& lengths) {
  std::string s;
  for (const int32_t n : lengths) s += "_" + std::to_string(n);
  return s;
}

}  // namespace cw::test
