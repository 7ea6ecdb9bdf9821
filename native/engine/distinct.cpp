#include "engine/distinct.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "engine/inputs.h"

namespace cw {
namespace {

int64_t count_bucket(int64_t distinct, int64_t all) {
  const int64_t step = (all + 31) / 32;
  return std::min(all, (distinct + step - 1) / step * step);
}

std::string_view bytes_of(const HostTokens& t, int64_t s) {
  const int32_t begin = t.offsets[s], end = t.offsets[s + 1];
  return {reinterpret_cast<const char*>(t.ids + begin), static_cast<size_t>(end - begin) * sizeof(int32_t)};
}

int32_t pooled(const HostTokens& t, int64_t s) { return t.pool[s] - t.offsets[s]; }

/// For each caption the first that is equal to it, and how many are the first.
int64_t find_first(const HostTokens& t, std::vector<int64_t>& first) {
  std::unordered_map<std::string_view, int64_t> seen;
  int64_t distinct = 0;
  for (int64_t s = 0; s < t.count; ++s) {
    const int64_t found = seen.try_emplace(bytes_of(t, s), s).first->second;
    first.push_back(pooled(t, found) == pooled(t, s) ? found : s);
    distinct += first.back() == s;
  }
  return distinct;
}

}  // namespace

DistinctCaptions::DistinctCaptions(const HostTokens& all, bool draws) : count_(all.count), tokens_(all) {
  if (draws || all.count < 2) return;
  std::vector<int64_t> first;
  const int64_t distinct = find_first(all, first), wanted = count_bucket(distinct, all.count);
  if (wanted == all.count) return;
  int64_t extra = wanted - distinct;  // repeats that stay
  of_.resize(first.size());
  offsets_.push_back(0);
  for (int64_t s = 0; s < all.count; ++s) {
    const auto at = static_cast<size_t>(s);
    if (first[at] != s && extra-- <= 0) {
      of_[at] = of_[static_cast<size_t>(first[at])];
      continue;
    }
    of_[at] = static_cast<int32_t>(pool_.size());
    pool_.push_back(offsets_.back() + pooled(all, s));
    ids_.insert(ids_.end(), all.ids + all.offsets[s], all.ids + all.offsets[s + 1]);
    offsets_.push_back(static_cast<int32_t>(ids_.size()));
  }
  tokens_ = {.ids = ids_.data(), .offsets = offsets_.data(), .pool = pool_.data(), .count = wanted};
}

CaptionFeatures::CaptionFeatures(const Context& c, Backend* backend, const DistinctCaptions& captions, int64_t embed_dim,
                                 bool gradients)
    : features(c.take_f32(captions.count(), embed_dim)),
      dfeatures(gradients ? c.take_f32(captions.count(), embed_dim) : Tensor{}),
      own_features(captions.repeats() ? c.take_f32(captions.tokens().count, embed_dim) : features),
      own_dfeatures(captions.repeats() && gradients ? c.take_f32(captions.tokens().count, embed_dim) : dfeatures) {
  if (!captions.repeats()) return;
  of_ = put_indices(c.arena, backend, captions.of());
  rows_ = {.offsets = put_indices(c.arena, backend, {0, static_cast<int32_t>(features.rows)}), .count = 1, .max_length = features.rows};
}

void CaptionFeatures::spread(Ops& ops) const {
  if (repeats()) ops.gather_rows({.x = own_features, .rows = of_, .y = features});
}

// As an embedding's table has the gradients of its rows.
void CaptionFeatures::add_up(Ops& ops) const {
  if (repeats()) ops.embed_grad({.dy = dfeatures, .ids = of_, .dtable = own_dfeatures, .sequences = rows_});
}

}  // namespace cw
