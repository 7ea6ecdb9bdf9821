// Ranks gathered from blocks are those of the definition; ranking stops when it is told to.
#include "eval/ranks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "engine/feature_ranks.h"

namespace cw {
namespace {

/// Few values, so that many scores tie.
float score(int64_t i, int64_t j) { return static_cast<float>((i * 37 + j * 101 + i * j * 7) % 11); }

/// Every caption has one image or two; the last image has none.
Relevance relevance(int32_t images, int32_t captions) {
  Relevance r{.offsets = {0}};
  for (int32_t j = 0; j < captions; ++j) {
    r.images.push_back(j * 5 % (images - 1));
    if (j % 3 == 0) r.images.push_back((j * 5 + 1) % (images - 1));
    r.offsets.push_back(static_cast<int32_t>(r.images.size()));
  }
  return r;
}

bool right(const Relevance& r, int64_t image, int64_t caption) {
  for (int32_t at = r.offsets[caption]; at < r.offsets[caption + 1]; ++at)
    if (r.images[at] == image) return true;
  return false;
}

/// The definition: sort ascending and stably, read backwards, find the first right one.
template <class Score, class Right>
int32_t rank_of(int64_t others, Score&& score_of, Right&& is_right) {
  std::vector<int64_t> order(static_cast<size_t>(others));
  for (int64_t i = 0; i < others; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score_of(a) < score_of(b); });
  for (int64_t rank = 0; rank < others; ++rank)
    if (is_right(order[others - 1 - rank])) return static_cast<int32_t>(rank);
  return -1;
}

std::vector<ScoreBlock> blocks(int64_t images, int64_t captions, int64_t rows, int64_t columns,
                               std::vector<std::vector<float>>& memory) {
  std::vector<ScoreBlock> all;
  for (int64_t i = 0; i < images; i += rows)
    for (int64_t j = 0; j < captions; j += columns) {
      const int64_t n = std::min(rows, images - i), m = std::min(columns, captions - j);
      std::vector<float>& scores = memory.emplace_back();
      for (int64_t y = 0; y < n; ++y)
        for (int64_t x = 0; x < m; ++x) scores.push_back(score(i + y, j + x));
      all.push_back({i, n, j, m, scores.data()});
    }
  return all;
}

TEST(RetrievalRanks, AreThoseOfASortWhateverTheBlocks) {
  constexpr int32_t kImages = 37, kCaptions = 2100;  // more than two strips
  const Relevance pairs = relevance(kImages, kCaptions);
  for (const auto& [rows, columns] : {std::pair{kImages, kCaptions}, std::pair{10, 700}, std::pair{1, 1500}}) {
    RetrievalRanks ranks(kImages, pairs);
    std::vector<std::vector<float>> memory;
    const std::vector<ScoreBlock> all = blocks(kImages, kCaptions, rows, columns, memory);
    for (const ScoreBlock& block : all) ranks.find_own(block);
    for (auto block = all.rbegin(); block != all.rend(); ++block) ranks.count(*block);
    for (int64_t i = 0; i < kImages; ++i)
      ASSERT_EQ(ranks.of_image()[i], rank_of(
                                         kCaptions, [&](int64_t j) { return score(i, j); },
                                         [&](int64_t j) { return right(pairs, i, j); }))
          << "image " << i << ", blocks of " << rows << " x " << columns;
    for (int64_t j = 0; j < kCaptions; ++j)
      ASSERT_EQ(ranks.of_caption()[j], rank_of(
                                           kImages, [&](int64_t i) { return score(i, j); },
                                           [&](int64_t i) { return right(pairs, i, j); }))
          << "caption " << j << ", blocks of " << rows << " x " << columns;
  }
}

TEST(RetrievalRanks, RefuseRelevanceThatDoesNotFit) {
  const auto refusal = [](int64_t images, Relevance r) -> std::string {
    try {
      RetrievalRanks(images, std::move(r));
    } catch (const Error& e) {
      return e.what();
    }
    return "nothing";
  };
  EXPECT_EQ(refusal(2, {.offsets = {0, 1, 2}, .images = {0, 1}}), "nothing");
  EXPECT_NE(refusal(2, {.offsets = {0, 1, 2}, .images = {0, 2}}).find("0 to 1, got 2"), std::string::npos);
  EXPECT_NE(refusal(2, {.offsets = {0, 1, 2}, .images = {0, -1}}).find("got -1"), std::string::npos);
  EXPECT_NE(refusal(2, {.offsets = {0, 1, 1}, .images = {0}}).find("caption 1 has no image"), std::string::npos);
  EXPECT_NE(refusal(2, {.offsets = {0, 3}, .images = {0}}).find("number of images"), std::string::npos);
  EXPECT_NE(refusal(2, {.offsets = {1, 2}, .images = {0, 1}}).find("offsets from 0"), std::string::npos);
  EXPECT_NE(refusal(0, {.offsets = {0, 1}, .images = {0}}).find("at least one image"), std::string::npos);
}

TEST(RankFeatures, StopsBetweenBlocks) {
  const std::vector<float> features{1, 0, 0, 1};
  RetrievalRanks ranks(2, {.offsets = {0, 1, 2}, .images = {0, 1}});
  std::atomic<bool> stop{true};
  const FeatureSets sets{.images = features.data(), .texts = features.data(), .dim = 2};
  try {
    rank_features(sets, ranks, {0, 2}, stop);
    FAIL() << "ranked although it was told to stop";
  } catch (const Error& e) {
    EXPECT_EQ(e.code, Code::disposed);
  }
  stop = false;
  rank_features(sets, ranks, {0, 2}, stop);
  EXPECT_EQ(ranks.of_image(), (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(ranks.of_caption(), (std::vector<int32_t>{0, 0}));
}

TEST(RankFeatures, NamesWhatIsNotFinite) {
  std::vector<float> features{1, 0, 0, -INFINITY};
  const std::vector<float> fine{1, 0, 0, 1};
  RetrievalRanks ranks(2, {.offsets = {0, 1, 2}, .images = {0, 1}});
  const std::atomic<bool> stop{false};
  try {
    rank_features({.images = fine.data(), .texts = features.data(), .dim = 2}, ranks, {0, 2}, stop);
    FAIL() << "ranked an infinity";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "textFeatures[1, 1] is -Infinity; every value must be finite.");
  }
}

}  // namespace
}  // namespace cw
