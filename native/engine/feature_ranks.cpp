#include "engine/feature_ranks.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "ops/backend.h"

namespace cw {
namespace {

constexpr int64_t kImages = 512, kCaptions = 4096;  // of a block

void check_finite(const float* values, int64_t rows, int64_t dim, const char* name) {
  for (int64_t at = 0; at < rows * dim; ++at) {
    const float x = values[at];
    if (std::isfinite(x)) continue;
    throw Error(Code::invalid_argument, std::string(name) + "[" + std::to_string(at / dim) + ", " + std::to_string(at % dim) +
                                            "] is " + (std::isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity") +
                                            "; every value must be finite.");
  }
}

/// Scores of one block after another, in memory that they share. Features are read where they lie: the cpu backend's
/// memory is the host's.
class Scores {
 public:
  Scores(const FeatureSets& f, int64_t images, int64_t captions)
      : images_(Tensor::of(const_cast<float*>(f.images), DType::f32, images, f.dim)),
        texts_(Tensor::of(const_cast<float*>(f.texts), DType::f32, captions, f.dim)),
        scores_(static_cast<size_t>(std::min(kImages, images) * std::min(kCaptions, captions))),
        backend_(make_backend("cpu", 0)) {
    const Product largest(*this, 0, 0);
    scratch_ = backend_->allocate(backend_->scratch(largest.op()));
    backend_->set_scratch(scratch_->data(), scratch_->bytes());
  }

  /// Valid until the next call. The same bits for the same block.
  ScoreBlock block(int64_t first_image, int64_t first_caption) {
    const Product p(*this, first_image, first_caption);
    backend_->linear(p.op());
    return {first_image, p.y.rows, first_caption, p.y.cols, scores_.data()};
  }

 private:
  /// y [images, captions] = x [images, dim] · w [captions, dim]ᵀ
  struct Product {
    Product(Scores& of, int64_t first_image, int64_t first_caption)
        : x(rows(of.images_, first_image, kImages)),
          w{.master = rows(of.texts_, first_caption, kCaptions)},  // id 0: used once, never packed
          y(Tensor::of(of.scores_.data(), DType::f32, x.rows, w.master.rows)) {
      w.compute = w.master;
    }
    Linear op() const { return {.x = x, .w = {.weight = &w}, .y = y}; }

    Tensor x;
    Weight w;
    Tensor y;

   private:
    static Tensor rows(const Tensor& of, int64_t first, int64_t most) {
      return of.row_range(first, std::min(most, of.rows - first));
    }
  };

  const Tensor images_, texts_;
  std::vector<float> scores_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Buffer> scratch_;
};

int64_t blocks(int64_t rows, int64_t of) { return (rows + of - 1) / of; }

/// For each block, image blocks outside, whether a caption meets its own image in it. Where captions lie in the order of
/// their images, that is the diagonal.
std::vector<bool> right_pairs(const RetrievalRanks& ranks) {
  const Relevance& relevance = ranks.relevance();
  const int64_t columns = blocks(ranks.captions(), kCaptions);
  std::vector<bool> holds(static_cast<size_t>(blocks(ranks.images(), kImages) * columns));
  for (int64_t caption = 0; caption < ranks.captions(); ++caption)
    for (int32_t at = relevance.offsets[caption]; at < relevance.offsets[caption + 1]; ++at)
      holds[relevance.images[at] / kImages * columns + caption / kCaptions] = true;
  return holds;
}

/// Goes over the blocks of these rows, image blocks outside.
class Blocks {
 public:
  Blocks(const FeatureSets& f, const RetrievalRanks& ranks, const ImageRows& rows, const std::atomic<bool>& stop)
      : columns_(blocks(ranks.captions(), kCaptions)),
        first_(rows.first / kImages * columns_),
        end_(blocks(rows.last, kImages) * columns_),
        stop_(stop) {
    if (rows.first < 0 || rows.first > rows.last || rows.last > ranks.images() || rows.first % kImages != 0 ||
        (rows.last % kImages != 0 && rows.last != ranks.images()))
      throw Error(Code::invalid_argument, "rows: expected whole blocks of " + std::to_string(kImages) + " images");
    check_finite(f.images, ranks.images(), f.dim, "imageFeatures");
    check_finite(f.texts, ranks.captions(), f.dim, "textFeatures");
    if (first_ < end_) scores_.emplace(f, ranks.images(), ranks.captions());
  }

  void find_own(RetrievalRanks& ranks) {
    const std::vector<bool> holds = right_pairs(ranks);
    for (int64_t i = first_; i < end_; ++i)
      if (holds[i]) ranks.find_own(block(i));
  }
  void count(RetrievalRanks& ranks) {
    for (int64_t i = first_; i < end_; ++i) ranks.count(block(i));
  }

 private:
  ScoreBlock block(int64_t i) {
    if (stop_) throw Error(Code::disposed, "the environment ends while features are ranked");
    return scores_->block(i / columns_ * kImages, i % columns_ * kCaptions);
  }

  const int64_t columns_, first_, end_;
  const std::atomic<bool>& stop_;
  std::optional<Scores> scores_;
};

}  // namespace

void find_best(const FeatureSets& features, RetrievalRanks& ranks, const ImageRows& rows, const std::atomic<bool>& stop) {
  Blocks(features, ranks, rows, stop).find_own(ranks);
}

void rank_features(const FeatureSets& features, RetrievalRanks& ranks, const ImageRows& rows, const std::atomic<bool>& stop) {
  Blocks all(features, ranks, rows, stop);
  all.find_own(ranks);
  all.count(ranks);
}

}  // namespace cw
