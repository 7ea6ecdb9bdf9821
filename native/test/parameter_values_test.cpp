// Parameters that are frozen, and written, some of them in parts of one weight.
#include "engine/parameter_values.h"

#include <gtest/gtest.h>

#include "test/session_fixture.h"

namespace cw::test {
namespace {

class ParameterValuesTest : public SessionTest {};

/// q, k and v are parameters of their own.
class JoinedParametersTest : public SessionTest {};

TEST_P(ParameterValuesTest, FrozenParametersStayAndTheOthersLearn) {
  Session s = make();
  s.initialize(7);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].name.starts_with("visual.")) s.set_trainable(i, false);
  const auto before = read_all(s, Slot::value);
  const TinyBatch b(config(), 4, 6);
  s.step(b.batch, optimizer, {.lr = 1e-3f});
  const auto after = read_all(s, Slot::value);
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i] == after[i], s.parameters()[i].name.starts_with("visual.")) << s.parameters()[i].name;
}

TEST_P(JoinedParametersTest, OnePartOfAJoinedWeightMayBeFrozen) {
  Session s = make();
  s.initialize(7);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  const auto frozen = [&](size_t i) { return s.parameters()[i].name.find(".key.") != std::string::npos; };
  for (size_t i = 0; i < s.parameters().size(); ++i) s.set_trainable(i, !frozen(i));
  const auto before = read_all(s, Slot::value);
  const TinyBatch b(config(), 4, 6);
  for (int step = 0; step < 2; ++step) s.step(b.batch, optimizer, {.lr = 1e-3f});
  const auto after = read_all(s, Slot::value);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(before[i] == after[i], frozen(i)) << s.parameters()[i].name;
}

TEST_P(JoinedParametersTest, AWrittenPartOfAJoinedWeightIsUsed) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    Session s = make(precision);
    s.initialize(7);
    const TinyBatch b(config(), 4, 6);
    const float before = s.forward_backward(b.batch).loss;  // a packed copy, if any, is made
    for (size_t i = 0; i < s.parameters().size(); ++i)
      if (s.parameters()[i].name.ends_with("value.weight"))
        s.write({.parameter = i}, std::vector<float>(static_cast<size_t>(s.parameters()[i].count()), 0.25f).data());
    EXPECT_NE(before, s.forward_backward(b.batch).loss) << name_of(precision);
  }
}

TEST_P(ParameterValuesTest, ABiasLearnsUnderAFrozenWeight) {
  Session s = make();
  s.initialize(7);
  const TinyBatch b(config(), 4, 6);
  s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  s.zero_grad();
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].shape.size() >= 2) s.set_trainable(i, false);
  s.forward_backward(b.batch);
  const auto grads = read_all(s, Slot::grad);
  for (size_t i = 0; i < grads.size(); ++i) {
    SCOPED_TRACE(s.parameters()[i].name);
    if (s.parameters()[i].shape.size() >= 2)
      EXPECT_EQ(grads[i], std::vector<float>(grads[i].size(), 0.0f));
    else
      EXPECT_LT(worst_share({expected[i]}, {grads[i]}), 1e-6);
  }
}

/// Names of both towers in the order of their depth: what comes before block n, the blocks, the rest.
int depth_of(const std::string& name, int layers) {
  for (const char* blocks : {"resblocks.", "encoder.layer."})
    if (const size_t at = name.find(blocks); at != std::string::npos) return 1 + std::stoi(name.substr(at + std::string(blocks).size()));
  for (const char* below : {"conv1", "class_embedding", "positional_embedding", "ln_pre", "token_embedding", "embeddings."})
    if (name.find(below) != std::string::npos) return 0;
  return 1 + layers;
}

TEST_P(ParameterValuesTest, WhatLearnsAboveALockGetsTheSameGradients) {
  const TinyBatch plain(config(), 5, 6);
  Session all = make();
  all.initialize(7);
  all.forward_backward(plain.batch);
  const auto expected = read_all(all, Slot::grad);
  for (const char* tower : {"visual.", "text"})
    for (int lock = 1; lock <= 4; ++lock)  // 4: the whole tower
      for (const int way : {0, 1, 2}) {
        TinyBatch b(config(), 5, 6);
        if (way == 1) b.batch.checkpointing = true;
        if (way == 2) b.batch.micro_batch = 2;
        Session s = make();
        s.initialize(7);
        const auto locked = [&](size_t i) {
          const std::string& name = s.parameters()[i].name;
          return name.starts_with("visual.") == (std::string(tower) == "visual.") && name != "logit_scale" &&
                 depth_of(name, 2) < lock;
        };
        for (size_t i = 0; i < expected.size(); ++i) s.set_trainable(i, !locked(i));
        s.forward_backward(b.batch);
        const auto grads = read_all(s, Slot::grad);
        for (size_t i = 0; i < grads.size(); ++i) {
          SCOPED_TRACE(s.parameters()[i].name + " lock " + std::to_string(lock) + " way " + std::to_string(way));
          if (locked(i))
            EXPECT_EQ(grads[i], std::vector<float>(grads[i].size(), 0.0f));
          else if (way != 2)
            EXPECT_EQ(grads[i], expected[i]);
          else
            EXPECT_LT(worst_share({expected[i]}, {grads[i]}), other_order(s));
        }
      }
}

TEST_P(ParameterValuesTest, WhatIsLockedTakesNeitherMemoryNorActivations) {
  const auto plan = [&](int lock) {
    Session s = make();
    for (size_t i = 0; i < s.parameters().size(); ++i) {
      const std::string& name = s.parameters()[i].name;
      s.set_trainable(i, !name.starts_with("visual.") || depth_of(name, 2) >= lock);
    }
    return s.plan({.batch = 64, .tokens = 3}, mean_info_nce());
  };
  size_t step = SIZE_MAX, optimizer = SIZE_MAX, parameters = SIZE_MAX;
  for (int lock = 0; lock <= 4; ++lock) {
    const Session::Plan p = plan(lock);
    EXPECT_LT(p.step, step + (lock == 4 ? 1 : 0)) << lock;  // the head's activations are few
    EXPECT_LT(p.optimizer, optimizer) << lock;
    EXPECT_LT(p.parameters, parameters) << lock;
    step = p.step, optimizer = p.optimizer, parameters = p.parameters;
  }
}

TEST_P(ParameterValuesTest, AParameterFreedBetweenTwoBackwardsBeginsAtZero) {
  Session s = make();
  s.initialize(7);
  const TinyBatch b(config(), 4, 6);
  s.forward_backward(b.batch);
  const auto once = read_all(s, Slot::grad);
  s.zero_grad();
  const auto freed = [&](size_t i) { return s.parameters()[i].name.find("ln_") != std::string::npos; };
  for (size_t i = 0; i < once.size(); ++i) s.set_trainable(i, !freed(i));
  s.forward_backward(b.batch);
  for (size_t i = 0; i < once.size(); ++i) s.set_trainable(i, true);
  s.forward_backward(b.batch);
  auto expected = once;
  for (size_t i = 0; i < once.size(); ++i)
    if (!freed(i))
      for (float& x : expected[i]) x *= 2;
  EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Backends, ParameterValuesTest, on_backends(Text::causal, Text::bert, Text::roberta, Text::bare), test_name);
INSTANTIATE_TEST_SUITE_P(Backends, JoinedParametersTest, on_backends(Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
