#include "eval/ranks.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "core/error.h"

namespace cw {
namespace {

/// Captions that one thread counts at a time: their scores, answers and ranks stay in its first-level cache.
constexpr int64_t kStrip = 1024;

Relevance checked(int64_t images, Relevance r) {
  const auto bad = [](const std::string& what) -> Error { return {Code::invalid_argument, "relevance: " + what}; };
  if (images < 1 || r.offsets.size() < 2) throw bad("expected at least one image and one caption");
  if (r.offsets.front() != 0 || static_cast<size_t>(r.offsets.back()) != r.images.size())
    throw bad("expected offsets from 0 to the number of images listed");
  for (size_t j = 0; j + 1 < r.offsets.size(); ++j)
    if (r.offsets[j + 1] <= r.offsets[j]) throw bad("caption " + std::to_string(j) + " has no image");
  for (const int32_t image : r.images)
    if (image < 0 || image >= images)
      throw bad("expected an image from 0 to " + std::to_string(images - 1) + ", got " + std::to_string(image));
  return r;
}

/// Of equal scores the later index is ahead.
bool ahead(float score, int64_t index, float than, int64_t than_index) {
  return score > than || (score == than && index > than_index);
}

/// One image's scores for a strip of captions: returns how many are ahead of its best caption, and adds 1 where the image
/// is ahead of a caption's best image. Without branches, so that it becomes vector code.
int32_t count_row(const float* scores, int32_t captions, float best, int32_t best_caption, const float* image_scores,
                  const int32_t* best_images, int32_t image, int32_t* of_caption) {
  int32_t count = 0;
  for (int32_t j = 0; j < captions; ++j) {
    const float s = scores[j];
    count += (s > best) | ((s == best) & (j > best_caption));
    of_caption[j] += (s > image_scores[j]) | ((s == image_scores[j]) & (image > best_images[j]));
  }
  return count;
}

}  // namespace

RetrievalRanks::Best::Best(int64_t queries)
    : score(static_cast<size_t>(queries), -std::numeric_limits<float>::infinity()), index(static_cast<size_t>(queries), -1) {}

void RetrievalRanks::Best::offer(int64_t query, float offered, int64_t at) {
  if (!ahead(offered, at, score[query], index[query])) return;
  score[query] = offered;
  index[query] = static_cast<int32_t>(at);
}

RetrievalRanks::RetrievalRanks(int64_t images, Relevance relevance)
    : relevance_(checked(images, std::move(relevance))),
      of_image_(static_cast<size_t>(images), -1),
      of_caption_(static_cast<size_t>(captions()), 0),
      best_caption_(images),
      best_image_(captions()) {
  for (const int32_t image : relevance_.images) of_image_[image] = 0;
}

void RetrievalRanks::find_own(const ScoreBlock& block) {
  for (int64_t j = 0; j < block.captions; ++j) {
    const int64_t caption = block.first_caption + j;
    for (int32_t at = relevance_.offsets[caption]; at < relevance_.offsets[caption + 1]; ++at) {
      const int64_t image = relevance_.images[at], i = image - block.first_image;
      if (i < 0 || i >= block.images) continue;
      const float score = block.scores[i * block.captions + j];
      best_image_.offer(caption, score, image);
      best_caption_.offer(image, score, caption);
    }
  }
}

void RetrievalRanks::count(const ScoreBlock& block) {
  const int64_t strips = (block.captions + kStrip - 1) / kStrip;
#pragma omp parallel for schedule(static)
  for (int64_t strip = 0; strip < strips; ++strip) {
    const int64_t first = strip * kStrip, caption = block.first_caption + first;
    const auto size = static_cast<int32_t>(std::min(kStrip, block.captions - first));
    for (int64_t i = 0; i < block.images; ++i) {
      const int64_t image = block.first_image + i;
      // Before or behind the strip, the best caption's place in it is out of its bounds.
      const auto best_caption =
          static_cast<int32_t>(std::clamp<int64_t>(best_caption_.index[image] - caption, -1, kStrip));
      const int32_t found =
          count_row(block.scores + i * block.captions + first, size, best_caption_.score[image], best_caption,
                    &best_image_.score[caption], &best_image_.index[caption], static_cast<int32_t>(image), &of_caption_[caption]);
      if (best_caption_.index[image] < 0) continue;  // it has no caption; of_image_ itself is written by other threads
#pragma omp atomic
      of_image_[image] += found;
    }
  }
}

}  // namespace cw
