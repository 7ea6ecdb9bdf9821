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

/// Images of the matrix that are looked at, first .. last: from a block's beginning on, 512 each.
struct ImageRows {
  int64_t first, last;
};

/// For each caption the best of its images among these rows (RetrievalRanks::best_images).
void find_best(const FeatureSets& features, RetrievalRanks& ranks, const ImageRows& rows, const std::atomic<bool>& stop);

/// Fills the ranks of these rows' images, and how many of them are ahead of each caption's best, which has been offered where it
/// lies in other rows: by the features' dot products, 8 MiB of scores at a time. On a thread that owns its OpenMP team. Throws
/// invalid_argument naming a value that is not finite, disposed when the flag is raised.
void rank_features(const FeatureSets& features, RetrievalRanks& ranks, const ImageRows& rows, const std::atomic<bool>& stop);

}  // namespace cw
