// Captions of a batch without the repeats: equal ones have equal features where nothing is drawn for them, so the text tower
// runs over each once. Their features are gathered by an index, and the gradients of one caption are added up in packed order.
#pragma once
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "engine/batch.h"
#include "nn/context.h"
#include "ops/backend.h"

namespace cw {

/// On the host. `all` must live as long.
class DistinctCaptions {
 public:
  /// A count is rounded up to whole 32nds of the batch, as counts of tokens are, so that few shapes occur: some repeats stay then.
  /// Captions that draw (dropout) are all left as they are.
  DistinctCaptions(const HostTokens& all, bool draws);

  /// Of the batch.
  int64_t count() const { return count_; }
  /// For the tower.
  const HostTokens& tokens() const { return tokens_; }
  bool repeats() const { return !of_.empty(); }
  /// Which of them each caption of the batch is; empty without repeats.
  const std::vector<int32_t>& of() const { return of_; }

 private:
  int64_t count_;
  std::vector<int32_t> of_, ids_, offsets_, pool_;
  HostTokens tokens_;
};

/// Their features and gradients in one run, f32: [n,E] is the batch's, [U,E] what the tower works on. Without repeats these are
/// the same.
class CaptionFeatures {
 public:
  /// backend null: only takes the memory (a dry run). gradients: whether there are any.
  CaptionFeatures(const Context& c, Backend* backend, const DistinctCaptions& captions, int64_t embed_dim, bool gradients);

  const Tensor features, dfeatures;          // [n,E]
  const Tensor own_features, own_dfeatures;  // [U,E]
  /// features of own_features.
  void spread(Ops& ops) const;
  /// own_dfeatures of dfeatures.
  void add_up(Ops& ops) const;

 private:
  bool repeats() const { return static_cast<bool>(of_); }

  Tensor of_;  // i32 [1,n]
  Sequences rows_;
};

}  // namespace cw
