// Repeated captions of a batch: which of them the text tower runs over, and that nothing but rounding tells.
#include "engine/distinct.h"

#include <gtest/gtest.h>

#include <cmath>

#include "test/finite_differences.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

/// Captions of these ids, pooled at their last.
struct Captions {
  std::vector<int32_t> ids, offsets{0}, pool;
  explicit Captions(const std::vector<std::vector<int32_t>>& all) {
    for (const auto& caption : all) {
      ids.insert(ids.end(), caption.begin(), caption.end());
      offsets.push_back(static_cast<int32_t>(ids.size()));
      pool.push_back(offsets.back() - 1);
    }
  }
  HostTokens view() const {
    return {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = static_cast<int64_t>(pool.size())};
  }
};

TEST(DistinctCaptions, AreEachOnceInTheOrderInWhichTheyCome) {
  const Captions all({{1, 2}, {3}, {1, 2}, {3, 4}, {3}});
  const DistinctCaptions distinct(all.view(), false);
  ASSERT_TRUE(distinct.repeats());
  EXPECT_EQ(distinct.of(), (std::vector<int32_t>{0, 1, 0, 2, 1}));
  const HostTokens& own = distinct.tokens();
  ASSERT_EQ(own.count, 3);
  EXPECT_EQ(std::vector<int32_t>(own.ids, own.ids + own.tokens()), (std::vector<int32_t>{1, 2, 3, 3, 4}));
  EXPECT_EQ(std::vector<int32_t>(own.pool, own.pool + 3), (std::vector<int32_t>{1, 2, 4}));
}

TEST(DistinctCaptions, WithoutRepeatsOrWhereTheyDrawTheBatchIsTheSame) {
  const Captions different({{1, 2}, {1, 3}, {2}}), equal({{1, 2}, {1, 2}});
  EXPECT_FALSE(DistinctCaptions(different.view(), false).repeats());
  EXPECT_EQ(DistinctCaptions(different.view(), false).tokens().ids, different.ids.data());
  EXPECT_FALSE(DistinctCaptions(equal.view(), true).repeats());
  Captions elsewhere = equal;
  elsewhere.pool[1] = 2;  // the same ids, but their feature is read at another row
  EXPECT_FALSE(DistinctCaptions(elsewhere.view(), false).repeats());
}

TEST(DistinctCaptions, CountsAreFew) {
  std::vector<std::vector<int32_t>> captions;
  for (int32_t i = 0; i < 96; ++i) captions.push_back({i < 50 ? i : i % 50});
  const DistinctCaptions fifty(Captions(captions).view(), false);
  EXPECT_EQ(fifty.tokens().count, 51);  // whole 32nds of 96
  EXPECT_EQ(fifty.of()[50], 50);        // the one that stays beside its equal
  EXPECT_EQ(fifty.of()[51], 1);
  captions.clear();
  for (int32_t i = 0; i < 65; ++i) captions.push_back({i % 64});
  const Captions almost(captions);
  EXPECT_FALSE(DistinctCaptions(almost.view(), false).repeats());  // of 64 and 65 the least multiple of 3 is one
}

class RepeatsTest : public SessionTest {
 protected:
  /// Seven pairs of three captions.
  void repeat(TinyBatch& b) {
    const HostTokens& t = b.batch.tokens;
    std::vector<std::vector<int32_t>> captions;
    for (const int64_t s : {0, 1, 0, 2, 1, 0, 2}) captions.emplace_back(t.ids + t.offsets[s], t.ids + t.offsets[s + 1]);
    Captions all(captions);
    b.ids = all.ids, b.offsets = all.offsets, b.pool = all.pool;
    b.batch.tokens = {.ids = b.ids.data(), .offsets = b.offsets.data(), .pool = b.pool.data(), .count = 7};
  }
  double flops_of(Session& s, const std::string& op) {
    for (const OpTime& t : s.op_times())
      if (t.name == op) return t.flops;
    return 0;
  }
};

TEST_P(RepeatsTest, GradientsAgreeWithFiniteDifferences) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 7, 1);
  repeat(b);
  expect_finite_differences(s, b.batch);
}

TEST_P(RepeatsTest, MicroBatchesAndRecomputedBlocksChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 7, 2);
  repeat(b);
  const float whole = s.forward_backward(b.batch).loss;
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {1, 2, 4}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, whole, 1e-5) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
  s.zero_grad();
  b.batch.micro_batch = 0;
  b.batch.checkpointing = true;
  EXPECT_EQ(s.forward_backward(b.batch).loss, whole);
  EXPECT_EQ(read_all(s, Slot::grad), expected);
}

TEST_P(RepeatsTest, FeaturesAreThoseOfEachAlone) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 7, 2);
  repeat(b);
  std::vector<float> together(7 * 12), alone(12);
  s.encode_texts(b.batch.tokens, true, together.data());
  for (size_t i = 0; i < 7; ++i) {
    const int32_t first = b.offsets[i], offsets[] = {0, b.offsets[i + 1] - first}, pool = b.pool[i] - first;
    s.encode_texts({.ids = b.ids.data() + first, .offsets = offsets, .pool = &pool, .count = 1}, true, alone.data());
    for (size_t j = 0; j < 12; ++j) EXPECT_NEAR(together[12 * i + j], alone[j], 1e-5) << i;
  }
}

TEST_P(RepeatsTest, TheTextTowerRunsOverEachOnce) {
  Session s = make();
  s.initialize(3);
  TinyBatch different(config(), 7, 2), repeated(config(), 7, 2), three(config(), 3, 2);
  repeat(repeated);
  const auto flops = [&](const HostTokens& tokens) {
    s.profile(true);
    std::vector<float> features(7 * 12);
    s.encode_texts(tokens, false, features.data());
    const double found = flops_of(s, "linear");
    s.profile(false);
    return found;
  };
  EXPECT_EQ(flops(repeated.batch.tokens), flops(three.batch.tokens));
  EXPECT_LT(flops(repeated.batch.tokens), flops(different.batch.tokens) / 2);
}

INSTANTIATE_TEST_SUITE_P(Backends, RepeatsTest,
                         on_backends(Text::causal, Text::open, Text::ahead, Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
