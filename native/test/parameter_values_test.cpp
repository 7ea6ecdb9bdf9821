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

INSTANTIATE_TEST_SUITE_P(Backends, ParameterValuesTest, on_backends(Text::causal, Text::bert, Text::roberta, Text::bare), test_name);
INSTANTIATE_TEST_SUITE_P(Backends, JoinedParametersTest, on_backends(Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
