// What a profile says of ops on every backend: calls, arithmetic, traffic and time.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "engine/loss_time.h"
#include "engine/peak_memory.h"
#include "engine/product_rate.h"
#include "ops/backend.h"
#include "ops/cost.h"
#include "test/backends.h"

namespace cw {
namespace {

class Profile : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, Profile, testing::ValuesIn(test::tested_backends()),
                         [](const auto& p) { return test::as_test_name(p.param); });

TEST_P(Profile, HasEveryCallWhileItIsOn) {
  const auto backend = make_backend(GetParam(), 1);
  const auto memory = backend->allocate(64 * 4), scratch = backend->allocate(1 << 18);
  backend->set_scratch(scratch->data(), scratch->bytes());
  auto* const data = static_cast<float*>(memory->data());
  const Tensor x = Tensor::of(data, DType::f32, 2, 4), y = Tensor::of(data + 8, DType::f32, 2, 6);
  const Tensor matrix = Tensor::of(data + 20, DType::f32, 6, 4);
  const Weight w{.master = matrix, .compute = matrix};
  const auto work = [&] {
    for (int i = 0; i < 3; ++i) backend->fill({.y = x, .value = 1});
    backend->linear({.x = x, .w = {&w}, .y = y});
  };
  work();
  EXPECT_TRUE(backend->op_times().empty()) << "not asked for";
  backend->profile(true);
  work();
  work();
  std::map<std::string, OpTime> found;
  for (const OpTime& t : backend->op_times())
    if (t.shape.empty()) found[t.name] = t;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found["fill"].calls, 6);
  EXPECT_EQ(found["fill"].bytes, 6 * 8 * 4);
  EXPECT_EQ(found["fill"].flops, 0);
  EXPECT_EQ(found["linear"].calls, 2);
  EXPECT_EQ(found["linear"].flops, 2 * 2 * 2 * 4 * 6);
  EXPECT_EQ(found["linear"].bytes, 2 * 4 * (8 + 12 + 24));
  EXPECT_GT(found["linear"].ms, 0);
  EXPECT_TRUE(backend->op_times().empty()) << "begins anew";
  backend->profile(false);
  work();
  EXPECT_TRUE(backend->op_times().empty());
}

TEST(Cost, CountsAWeightsGradientOnlyWhereItIsWanted) {
  float data[64];
  const Tensor dy = Tensor::of(data, DType::bf16, 5, 3), x = Tensor::of(data, DType::bf16, 5, 4);
  const Tensor dw = Tensor::of(data, DType::f32, 3, 4), db = Tensor::of(data, DType::f32, 1, 3);
  const Cost both = cost_of(LinearWeightGrad{.dy = dy, .x = x, .dw = dw, .db = db});
  EXPECT_EQ(both.flops, 2 * 5 * 3 * 4);
  EXPECT_EQ(both.bytes, 2 * (15 + 20) + 4 * (12 + 3));
  const Cost bias = cost_of(LinearWeightGrad{.dy = dy, .x = x, .db = db, .accumulate = true});
  EXPECT_EQ(bias.flops, 0);
  EXPECT_EQ(bias.bytes, 2 * 15 + 2 * 4 * 3);
}

TEST(Cost, CountsAttentionByItsSequences) {
  float data[64];
  const Tensor rows = Tensor::of(data, DType::f32, 7, 8);  // a filler row
  const Sequences sequences{.offsets = Tensor::of(data, DType::i32, 1, 3), .count = 2, .max_length = 3};
  const Attention op{.q = rows, .k = rows, .v = rows, .y = rows, .sequences = sequences};
  EXPECT_EQ(cost_of(op).flops, 2 * 2 * (2 * 3) * 3 * 8);
}

TEST(ProductRate, MeasuresEachPass) {
  for (const Pass pass : {Pass::forward, Pass::input_grad, Pass::weight_grad})
    EXPECT_GT(product_rate({.pass = pass, .rows = 8, .in = 16, .out = 24, .threads = 1}), 0);
}

TEST(MemoryRate, IsThatOfMemory) {
  const double rate = memory_rate(1);
  EXPECT_GT(rate, 1e8);
  EXPECT_LT(rate, 1e13);
}

TEST(LossTime, CountsTheMemoryBesideFeaturesAndGradients) {
  const auto loss = make_pair_loss({.kind = "infonce", .options = {{"reduction", "mean"}}});
  constexpr int64_t kPairs = 2048, kWidth = 64;
  const LossTime time = loss_time(*loss, "cpu", 1, kPairs, kWidth, DType::f32, 2);
  EXPECT_GT(time.seconds, 0);
  EXPECT_LT(time.seconds, 60);
  EXPECT_EQ(time.measured, resident_memory().has_value() && forget_peak_memory());
  // Normalised features of both sides at least, and no matrix of all pairs beside its tiles.
  EXPECT_GE(time.extra_bytes, size_t{2 * kPairs * kWidth * 4});
  EXPECT_LT(time.extra_bytes, size_t{256} << 20);
}

TEST(PeakMemory, BeginsAnew) {
  const auto at_first = resident_memory();
  if (!at_first || !forget_peak_memory()) return;  // no /proc
  constexpr size_t kBytes = size_t{64} << 20;
  {
    std::vector<char> block(kBytes, 1);
    EXPECT_GE(resident_memory()->peak, at_first->now + kBytes / 2) << block[kBytes / 2];
  }
  ASSERT_TRUE(forget_peak_memory());
  EXPECT_LT(resident_memory()->peak, at_first->now + kBytes / 2);
}

}  // namespace
}  // namespace cw
