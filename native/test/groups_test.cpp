// Batches in which pairs are no wrong pairs of each other: a step takes each group's as the formula without them says.
#include <gtest/gtest.h>

#include <cmath>

#include "test/session_fixture.h"

namespace cw::test {
namespace {

enum class Kind { infonce, siglip };

/// A softmax over all but the other pairs of a group, or yes-or-no questions about all but them; means over pictures.
double expected_loss(Session& s, const Batch& b, Kind kind) {
  const auto n = static_cast<size_t>(b.images.count), e = static_cast<size_t>(tiny_config().embed_dim);
  std::vector<float> images(n * e), texts(n * e);
  s.encode_images(b.images, true, images.data());
  s.encode_texts(b.tokens, true, texts.data());
  const auto logit = [&](size_t i, size_t j) {
    double dot = 0;
    for (size_t k = 0; k < e; ++k) dot += static_cast<double>(images[i * e + k]) * static_cast<double>(texts[j * e + k]);
    return 10 * dot;
  };
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    double row = 0, col = 0;
    for (size_t j = 0; j < n; ++j) {
      if (i != j && b.groups && b.groups[i] == b.groups[j]) continue;
      if (kind == Kind::siglip) sum += std::log1p(std::exp((i == j ? -1 : 1) * logit(i, j)));
      row += std::exp(logit(i, j)), col += std::exp(logit(j, i));
    }
    if (kind == Kind::infonce) sum += (std::log(row) + std::log(col)) / 2 - logit(i, i);
  }
  return sum / static_cast<double>(n);
}

class GroupsTest : public testing::TestWithParam<std::string> {
 protected:
  Session make(DType precision = DType::f32) {
    ClipConfig c = tiny_config();
    c.init_logit_scale = std::log(10.0f);
    return Session({.model = c, .device = GetParam(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

struct GroupedBatch : TinyBatch {
  std::vector<int32_t> groups{4, 1, 4, 0, 1, 4, 9};
  explicit GroupedBatch(Kind kind) : TinyBatch(tiny_config(), 7, 2) {
    batch.loss = kind == Kind::siglip ? &siglip() : &mean_info_nce();
    batch.groups = groups.data();
  }
};

TEST_P(GroupsTest, LossesLeaveOutPairsOfAGroup) {
  Session s = make();
  s.initialize(3);
  for (const Kind kind : {Kind::infonce, Kind::siglip}) {
    GroupedBatch b(kind);
    const double with = expected_loss(s, b.batch, kind);
    EXPECT_NEAR(s.forward_backward(b.batch).loss, with, 1e-4 * with);
    b.batch.groups = nullptr;
    const double without = expected_loss(s, b.batch, kind);
    EXPECT_GT(without, 1.01 * with);
    EXPECT_NEAR(s.forward_backward(b.batch).loss, without, 1e-4 * without);
  }
}

TEST_P(GroupsTest, AreThoseOfTheWholeBatchInMicroBatches) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    Session s = make(precision);
    s.initialize(3);
    for (const Kind kind : {Kind::infonce, Kind::siglip}) {
      s.zero_grad();
      GroupedBatch b(kind);
      const float whole = s.forward_backward(b.batch).loss;
      const auto expected = read_all(s, Slot::grad);
      for (const int64_t micro : {1, 3}) {
        s.zero_grad();
        b.batch.micro_batch = micro;
        EXPECT_NEAR(s.forward_backward(b.batch).loss, whole, 1e-5 * whole) << micro;
        if (precision != DType::f32) continue;
        EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
      }
    }
  }
}

TEST_P(GroupsTest, OfOnePairEachChangeNoBit) {
  Session s = make();
  s.initialize(3);
  for (const Kind kind : {Kind::infonce, Kind::siglip}) {
    s.zero_grad();
    GroupedBatch b(kind);
    b.batch.groups = nullptr;
    const float loss = s.forward_backward(b.batch).loss;
    const auto expected = read_all(s, Slot::grad);
    s.zero_grad();
    b.groups = {5, 4, 3, 2, 1, 0, 6};
    b.batch.groups = b.groups.data();
    EXPECT_EQ(s.forward_backward(b.batch).loss, loss);
    EXPECT_TRUE(read_all(s, Slot::grad) == expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GroupsTest, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
