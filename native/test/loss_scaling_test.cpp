// f16's loss scale: what moves it, and that no number has it in.
#include "engine/loss_scaling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

class LossScalingTest : public SessionTest {};

TEST_P(LossScalingTest, AnOverflowHalvesTheLossScaleAndChangesNothingElse) {
  Session s = make(DType::f16);
  s.initialize(10);
  EXPECT_EQ(s.loss_scaling()->value, 65536);
  s.set_loss_scaling({.value = kFits});
  const int optimizer = s.create_optimizer(adamw_spec(s));
  const TinyBatch b(config(), 3, 8);
  s.step(b.batch, optimizer, {.lr = 1e-3f});  // so that there are moments
  EXPECT_EQ(s.loss_scaling()->good_steps, 1);
  s.set_loss_scaling({.value = 0x1p24f, .good_steps = 5});
  const auto values = read_all(s, Slot::value), m = read_all(s, Slot::m), v = read_all(s, Slot::v);
  const Optimizer::Result skipped = s.step(b.batch, optimizer, {.lr = 1e-3f}).optimizer;
  EXPECT_TRUE(skipped.skipped);
  EXPECT_EQ(skipped.loss_scale, 0x1p23f);
  EXPECT_EQ(s.loss_scaling()->good_steps, 0);
  EXPECT_EQ(values, read_all(s, Slot::value));
  EXPECT_EQ(m, read_all(s, Slot::m));
  EXPECT_EQ(v, read_all(s, Slot::v));
  EXPECT_EQ(s.optimizer(optimizer).steps(), 1);
  int steps = 0;
  while (s.step(b.batch, optimizer, {.lr = 1e-3f}).optimizer.skipped) ASSERT_LT(++steps, 24);
  EXPECT_GT(steps, 0);
  EXPECT_NE(values, read_all(s, Slot::value));
}

TEST_P(LossScalingTest, TheLossScaleIsInNoGradientNormOrUpdate) {
  const auto train = [&](float factor) {
    Session s = make(DType::f16);
    s.initialize(10);
    s.set_loss_scaling({.value = factor});
    const int optimizer = s.create_optimizer(adamw_spec(s));
    const TinyBatch b(config(), 5, 8);
    s.forward_backward(b.batch);
    s.forward_backward(b.batch);  // of one step: one scale
    auto grads = read_all(s, Slot::grad);
    const float norm = s.optimizer_step(optimizer, {.lr = 1e-3f, .max_grad_norm = 0.01f}).grad_norm;
    return std::tuple(grads, norm, read_all(s, Slot::value));
  };
  // A power of two is exact, but for gradients so small that f16 rounds them to its own smallest.
  const auto [grads, norm, values] = train(kFits / 2);
  const auto [twice_grads, twice_norm, twice_values] = train(kFits);
  EXPECT_LT(worst_share(grads, twice_grads), 2e-3);
  EXPECT_NEAR(norm / twice_norm, 1, 1e-4);
  EXPECT_LT(worst_share(values, twice_values), 1e-3);
}

TEST_P(LossScalingTest, ALossScaleIsSetBetweenStepsAndForF16Only) {
  const auto refusal = [](Session& s, LossScaling scaling) -> std::string {
    try {
      s.set_loss_scaling(scaling);
    } catch (const Error& e) {
      EXPECT_EQ(e.code, Code::invalid_argument);
      return e.what();
    }
    return "nothing was thrown";
  };
  Session plain = make();
  EXPECT_FALSE(plain.loss_scaling());
  EXPECT_NE(refusal(plain, {}).find("only precision fp16"), std::string::npos);
  Session s = make(DType::f16);
  s.initialize(1);
  for (const float factor : {0.5f, 0x1p25f, std::nanf("")})
    EXPECT_NE(refusal(s, {.value = factor}).find("from 1 to 2^24"), std::string::npos) << factor;
  EXPECT_NE(refusal(s, {.good_steps = -1}).find("good steps"), std::string::npos);
  s.forward_backward(TinyBatch(config(), 3, 8).batch);
  EXPECT_NE(refusal(s, {.value = 1024}).find("while gradients wait"), std::string::npos);
  s.zero_grad();
  EXPECT_EQ(refusal(s, {.value = 1024, .good_steps = 7}), "nothing was thrown");
  EXPECT_EQ(s.loss_scaling()->value, 1024);
  EXPECT_EQ(s.loss_scaling()->good_steps, 7);
}

INSTANTIATE_TEST_SUITE_P(Backends, LossScalingTest, on_backends(Text::causal, Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
