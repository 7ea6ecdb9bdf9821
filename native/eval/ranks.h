// Where the right answers rank among all, in both directions, gathered from blocks of the similarity matrix.
#pragma once
#include <cstdint>
#include <vector>

namespace cw {

/// Images of each caption: those of caption j are images[offsets[j] .. offsets[j + 1]], at least one.
struct Relevance {
  std::vector<int32_t> offsets, images;
  int64_t captions() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

/// A rectangle of the similarity matrix [images, captions], row-major.
struct ScoreBlock {
  int64_t first_image, images, first_caption, captions;
  const float* scores;
};

/// First every block that holds a right pair goes through find_own, then every block through count, each in any order. A
/// block that goes through both must bring the same bits, or ties differ. Scores must not be NaN.
///
/// Ranks count from 0. Of equal scores the later index ranks first, as in a stable ascending sort read backwards, so a
/// model that gives everything one score gets no credit for it.
class RetrievalRanks {
 public:
  /// Throws invalid_argument for relevance that does not fit.
  RetrievalRanks(int64_t images, Relevance relevance);

  void find_own(const ScoreBlock& block);
  /// The same for an image of another part of the matrix.
  void offer(int64_t caption, float score, int64_t image) { best_image_.offer(caption, score, image); }
  /// Uses the caller's OpenMP team.
  void count(const ScoreBlock& block);

  int64_t images() const { return static_cast<int64_t>(of_image_.size()); }
  int64_t captions() const { return relevance_.captions(); }
  const Relevance& relevance() const { return relevance_; }
  /// For each image the rank of the best of its captions among all captions; -1 where it has none.
  const std::vector<int32_t>& of_image() const { return of_image_; }
  /// For each caption the rank of the best of its images among all images.
  const std::vector<int32_t>& of_caption() const { return of_caption_; }
  /// For each caption the best of its images that were found so far, -1 without, and its score.
  const std::vector<int32_t>& best_images() const { return best_image_.index; }
  const std::vector<float>& best_scores() const { return best_image_.score; }

 private:
  /// What a query is compared with: its best right answer.
  struct Best {
    std::vector<float> score;
    std::vector<int32_t> index;
    explicit Best(int64_t queries);
    void offer(int64_t query, float score, int64_t index);
  };

  Relevance relevance_;
  std::vector<int32_t> of_image_, of_caption_;
  Best best_caption_, best_image_;
};

}  // namespace cw
