// A whole session on each backend: gradients against finite differences, and every way to run a step against the plain one.
#include "engine/session.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "test/tiny_model.h"

namespace cw::test {
namespace {

class SessionTest : public testing::TestWithParam<std::string> {
 protected:
  Session make(DType precision = DType::f32) {
    return Session({.model = tiny_config(), .device = GetParam(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

/// Largest difference as a share of the tensor's largest value.
double worst_share(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double largest = 1e-6, difference = 0;
    for (size_t j = 0; j < a[i].size(); ++j) {
      largest = std::max(largest, std::fabs(static_cast<double>(a[i][j])));
      difference = std::max(difference, std::fabs(static_cast<double>(a[i][j]) - b[i][j]));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

TEST_P(SessionTest, GradientsAgreeWithFiniteDifferences) {
  Session s = make();
  s.initialize(3);
  const TinyBatch b(tiny_config(), 5, 1);
  s.forward_backward(b.batch);
  const auto grads = read_all(s, Session::Slot::grad);
  const auto values = read_all(s, Session::Slot::value);
  std::mt19937 random(11);
  for (size_t i = 0; i < values.size(); ++i) {
    SCOPED_TRACE(s.parameters()[i].name);
    // Along a direction that is half the gradient's own, so that the derivative is well above rounding.
    double norm = 0, slope = 0;
    for (const float g : grads[i]) norm += static_cast<double>(g) * g;
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 0);
    std::vector<float> direction(values[i].size());
    for (size_t j = 0; j < direction.size(); ++j) {
      const double noise = (static_cast<double>(random() % 2000) / 1000 - 1) / std::sqrt(static_cast<double>(direction.size()));
      direction[j] = static_cast<float>(grads[i][j] / norm + 0.5 * noise);
      slope += static_cast<double>(direction[j]) * grads[i][j];
    }
    const float h = 1e-3f;
    const auto loss_at = [&](float t) {
      auto moved = values[i];
      for (size_t j = 0; j < moved.size(); ++j) moved[j] += t * direction[j];
      s.write(i, Session::Slot::value, 0, moved.data());
      s.zero_grad();
      return static_cast<double>(s.forward_backward(b.batch).loss);
    };
    const double numeric = (loss_at(h) - loss_at(-h)) / (2 * static_cast<double>(h));
    EXPECT_NEAR(numeric, slope, 0.02 * std::fabs(slope) + 4e-4);
    s.write(i, Session::Slot::value, 0, values[i].data());
  }
}

TEST_P(SessionTest, MicroBatchesChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(tiny_config(), 7, 2);
  const Session::Loss whole = s.forward_backward(b.batch);
  const auto expected = read_all(s, Session::Slot::grad);
  for (const int64_t micro : {1, 2, 3, 6}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, whole.loss, 1e-5) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Session::Slot::grad)), 2e-5) << micro;
  }
}

TEST_P(SessionTest, CheckpointingGivesTheSameBits) {
  Session s = make();
  s.initialize(4);
  TinyBatch b(tiny_config(), 4, 3);
  s.forward_backward(b.batch);
  const auto expected = read_all(s, Session::Slot::grad);
  s.zero_grad();
  b.batch.checkpointing = true;
  s.forward_backward(b.batch);
  EXPECT_EQ(expected, read_all(s, Session::Slot::grad));
}

TEST_P(SessionTest, CheckpointingIsPlannedToTakeLess) {
  Session s = make();
  const auto plain = s.plan(64, 9, 0, false), kept = s.plan(64, 9, 0, true), micro = s.plan(64, 9, 8, false);
  EXPECT_LT(kept.step, plain.step);
  EXPECT_LT(micro.step, plain.step / 3);
  EXPECT_GT(plain.total(), plain.step + plain.parameters);
}

TEST_P(SessionTest, TokensAfterEotChangeNothing) {
  Session s = make();
  s.initialize(5);
  const TinyBatch packed(tiny_config(), 6, 4), padded(tiny_config(), 6, 4, /*full_context=*/true);
  const Session::Loss a = s.forward_backward(packed.batch);
  const auto expected = read_all(s, Session::Slot::grad);
  s.zero_grad();
  const Session::Loss b = s.forward_backward(padded.batch);
  EXPECT_NEAR(a.loss, b.loss, 1e-6);
  EXPECT_LT(worst_share(expected, read_all(s, Session::Slot::grad)), 2e-5);
}

TEST_P(SessionTest, GradientsAddUpUntilTheyAreCleared) {
  Session s = make();
  s.initialize(6);
  const TinyBatch b(tiny_config(), 3, 5);
  s.forward_backward(b.batch);
  auto once = read_all(s, Session::Slot::grad);
  s.forward_backward(b.batch);
  const auto twice = read_all(s, Session::Slot::grad);
  for (auto& t : once)
    for (float& x : t) x *= 2;
  EXPECT_LT(worst_share(once, twice), 1e-5);
  s.zero_grad();
  for (const auto& t : read_all(s, Session::Slot::grad))
    for (const float x : t) ASSERT_EQ(x, 0);
}

TEST_P(SessionTest, FrozenParametersStayAndTheOthersLearn) {
  Session s = make();
  s.initialize(7);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].name.starts_with("visual.")) s.set_trainable(i, false);
  const auto before = read_all(s, Session::Slot::value);
  const TinyBatch b(tiny_config(), 4, 6);
  s.step(b.batch, optimizer, {.lr = 1e-3f});
  const auto after = read_all(s, Session::Slot::value);
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i] == after[i], s.parameters()[i].name.starts_with("visual.")) << s.parameters()[i].name;
}

TEST_P(SessionTest, ABiasLearnsUnderAFrozenWeight) {
  Session s = make();
  s.initialize(7);
  const TinyBatch b(tiny_config(), 4, 6);
  s.forward_backward(b.batch);
  const auto expected = read_all(s, Session::Slot::grad);
  s.zero_grad();
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].shape.size() >= 2) s.set_trainable(i, false);
  s.forward_backward(b.batch);
  const auto grads = read_all(s, Session::Slot::grad);
  for (size_t i = 0; i < grads.size(); ++i) {
    SCOPED_TRACE(s.parameters()[i].name);
    if (s.parameters()[i].shape.size() >= 2)
      EXPECT_EQ(grads[i], std::vector<float>(grads[i].size(), 0.0f));
    else
      EXPECT_LT(worst_share({expected[i]}, {grads[i]}), 1e-6);
  }
}

TEST_P(SessionTest, TheSameSeedGivesTheSameBits) {
  const auto train = [&](DType precision) {
    Session s = make(precision);
    s.initialize(8);
    const int optimizer = s.create_optimizer(adamw_spec(s));
    for (uint32_t i = 0; i < 4; ++i) s.step(TinyBatch(tiny_config(), 5, i).batch, optimizer, {.lr = 1e-3f, .max_grad_norm = 1});
    return read_all(s, Session::Slot::value);
  };
  EXPECT_EQ(train(DType::f32), train(DType::f32));
  EXPECT_EQ(train(DType::bf16), train(DType::bf16));
}

TEST_P(SessionTest, Bf16StaysCloseToF32) {
  Session exact = make(), rounded = make(DType::bf16);
  exact.initialize(9);
  rounded.initialize(9);
  const TinyBatch b(tiny_config(), 6, 7);
  EXPECT_NEAR(rounded.forward_backward(b.batch).loss / exact.forward_backward(b.batch).loss, 1, 0.02);
}

TEST_P(SessionTest, AStepWithoutAFiniteNormIsSkipped) {
  Session s = make();
  s.initialize(10);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  TinyBatch b(tiny_config(), 3, 8);
  b.pixels[0] = std::nanf("");
  const auto before = read_all(s, Session::Slot::value);
  EXPECT_TRUE(s.step(b.batch, optimizer, {.lr = 1e-3f}).optimizer.skipped);
  EXPECT_EQ(before, read_all(s, Session::Slot::value));
  EXPECT_EQ(s.optimizer(optimizer).steps(), 0);
  EXPECT_FALSE(s.step(TinyBatch(tiny_config(), 3, 8).batch, optimizer, {.lr = 1e-3f}).optimizer.skipped);
  EXPECT_EQ(s.optimizer(optimizer).steps(), 1);
}

TEST_P(SessionTest, AStopFlagCancelsAndTheSessionStaysUsable) {
  Session s = make();
  s.initialize(11);
  const TinyBatch b(tiny_config(), 3, 9);
  stop_ = true;
  try {
    s.forward_backward(b.batch);
    FAIL() << "expected cancelled";
  } catch (const Error& e) {
    EXPECT_EQ(e.code, Code::cancelled);
  }
  stop_ = false;
  EXPECT_TRUE(std::isfinite(s.forward_backward(b.batch).loss));
}

TEST_P(SessionTest, BadInputIsNamed) {
  Session s = make();
  s.initialize(12);
  const auto message = [&](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& e) {
      EXPECT_EQ(e.code, Code::invalid_argument);
      return e.what();
    }
    return "nothing was thrown";
  };
  TinyBatch b(tiny_config(), 3, 9);
  b.ids[1] = 23;
  EXPECT_NE(message([&] { s.forward_backward(b.batch); }).find("id 23"), std::string::npos);
  b.ids[1] = 0;
  b.batch.tokens.count = 2;
  EXPECT_NE(message([&] { s.forward_backward(b.batch); }).find("3 images and 2 captions"), std::string::npos);
  EXPECT_NE(message([&] { s.optimizer(0); }).find("handle 0"), std::string::npos);
  ClipConfig wrong = tiny_config();
  wrong.text.heads = 3;
  EXPECT_NE(message([&] { Session({.model = wrong, .device = GetParam()}, nullptr); }).find("text.heads"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Backends, SessionTest, testing::Values("reference", "cpu"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace cw::test
