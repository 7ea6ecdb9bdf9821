// Ranks of features among each other, for evaluation: blocks of the similarity matrix are made, counted and forgotten.
#pragma once
#include <atomic>

#include "eval/ranks.h"

namespace cw {

/// Host memory: images [ranks.images(), dim], texts [ranks.captions(), dim].
struct FeatureSets {
  const float *images, *texts;
  int64_t dim;
};

/// Fills the ranks with those of the features' dot products, 8 MiB of scores at a time. On a thread that owns its OpenMP
/// team. Throws invalid_argument naming a value that is not finite, disposed when the flag is raised.
void rank_features(const FeatureSets& features, RetrievalRanks& ranks, const std::atomic<bool>& stop);

}  // namespace cw
