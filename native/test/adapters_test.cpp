// Low-rank adapters: their gradients, their memory, and that merging them changes nothing.
#include "engine/adapters.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

class AdaptersTest : public SessionTest {
 protected:
  /// Adapters on all projections of the blocks, or on those with one of these words in their names.
  static AdapterSpec spec(const Session& s, const std::vector<std::string>& words = {"resblocks", "encoder.layer"}) {
    AdapterSpec spec{.rank = 3, .scale = 1.5f, .seed = 4};
    for (size_t i = 0; i < s.parameters().size(); ++i) {
      const Parameter& p = s.parameters()[i];
      bool wanted = false;
      for (const std::string& word : words) wanted = wanted || p.name.find(word) != std::string::npos;
      if (wanted && p.shape.size() == 2) spec.parameters.push_back(i);
    }
    return spec;
  }
  /// B begins as zeros, where nothing can be seen of A.
  static void disturb(Session& s) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0, 0.1f);
    for (size_t i = 0; i < s.parameters().size(); ++i)
      if (s.parameters()[i].name.ends_with("lora_B")) {
        std::vector<float> values(static_cast<size_t>(s.parameters()[i].count()));
        for (float& x : values) x = normal(random);
        s.write({.parameter = i}, values.data());
      }
  }
  static OptimizerSpec optimizer(const Session& s, float average = 0) {
    OptimizerSpec spec = adamw_spec(s);
    spec.average = average;
    return spec;
  }
};

TEST_P(AdaptersTest, GradientsAgreeWithFiniteDifferences) {
  for (const auto& words : {std::vector<std::string>{"resblocks", "encoder.layer"}, {"in_proj", "value.weight"}}) {
    Session s = make();
    s.initialize(3);
    s.add_adapters(spec(s, words));
    disturb(s);
    const TinyBatch b(config(), 5, 1);
    s.forward_backward(b.batch);
    const auto grads = read_all(s, Slot::grad), values = read_all(s, Slot::value);
    size_t learned = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      SCOPED_TRACE(s.parameters()[i].name);
      double norm = 0;
      for (const float g : grads[i]) norm += static_cast<double>(g) * g;
      norm = std::sqrt(norm);
      if (s.parameters()[i].name.find(".lora_") == std::string::npos) {
        EXPECT_EQ(norm, 0);
        continue;
      }
      ++learned;
      ASSERT_GT(norm, 0);
      const float h = 2e-3f;
      const auto loss_at = [&](float t) {
        auto moved = values[i];
        for (size_t j = 0; j < moved.size(); ++j) moved[j] += t * static_cast<float>(grads[i][j] / norm);
        s.write({.parameter = i}, moved.data());
        s.zero_grad();
        return static_cast<double>(s.forward_backward(b.batch).loss);
      };
      EXPECT_NEAR((loss_at(h) - loss_at(-h)) / (2 * static_cast<double>(h)), norm, 0.02 * norm + 4e-4);
      s.write({.parameter = i}, values[i].data());
    }
    EXPECT_EQ(learned, 2 * spec(make(), words).parameters.size());
  }
}

TEST_P(AdaptersTest, MicroBatchesAndCheckpointingChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  s.add_adapters(spec(s));
  disturb(s);
  TinyBatch b(config(), 7, 2);
  s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  s.zero_grad();
  b.batch.checkpointing = true;
  s.forward_backward(b.batch);
  EXPECT_EQ(expected, read_all(s, Slot::grad));
  s.zero_grad();
  b.batch.micro_batch = 3;
  s.forward_backward(b.batch);
  EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s));
}

TEST_P(AdaptersTest, MergingChangesNoBitOfWhatIsComputed) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    SCOPED_TRACE(name_of(precision));
    Session s = make(precision);
    s.initialize(3);
    const TinyBatch b(config(), 5, 1);
    const auto features = [&] {
      std::vector<float> both(static_cast<size_t>(2 * 5 * config().embed_dim));
      s.encode_images(b.batch.images, true, both.data());
      s.encode_texts(b.batch.tokens, true, both.data() + both.size() / 2);
      return both;
    };
    const auto plain = features();
    const auto base = read_all(s, Slot::value);
    // Some parts of a joined weight with an adapter, some without.
    s.add_adapters(spec(s, {"in_proj", "value.weight", "c_fc", "output.dense"}));
    EXPECT_EQ(features(), plain) << "B is zero";
    const int o = s.create_optimizer(optimizer(s));
    for (uint32_t i = 0; i < 3; ++i) EXPECT_FALSE(s.step(TinyBatch(config(), 5, i).batch, o, {.lr = 1e-2f}).optimizer.skipped);
    const auto adapted = features();
    EXPECT_NE(adapted, plain);
    auto own = read_all(s, Slot::value);
    const auto merged = read_all(s, Slot::merged);
    own.resize(base.size());
    EXPECT_EQ(own, base) << "the model's own values stay";
    s.merge_adapters();
    EXPECT_EQ(s.parameters().size(), base.size());
    EXPECT_EQ(features(), adapted);
    auto expected = merged;
    expected.resize(base.size());
    EXPECT_EQ(read_all(s, Slot::value), expected);
    EXPECT_THROW(s.step(b.batch, o, {.lr = 1e-2f}), Error) << "made for other parameters";
    // All learn again.
    s.step(b.batch, s.create_optimizer(optimizer(s)), {.lr = 1e-2f});
    const auto after = read_all(s, Slot::value);
    for (size_t i = 0; i < base.size(); ++i)
      EXPECT_NE(after[i], expected[i]) << s.parameters()[i].name;
  }
}

TEST_P(AdaptersTest, OnlyAdaptersTakeGradientsAndMoments) {
  Session s = make();
  const auto all = s.plan({.batch = 4, .tokens = 3}, mean_info_nce());
  const AdapterSpec few = spec(s, {"in_proj", "value.weight"});
  s.add_adapters(few);
  const auto plan = s.plan({.batch = 4, .tokens = 3}, mean_info_nce());
  EXPECT_LT(plan.optimizer * 4, all.optimizer);
  EXPECT_THROW(s.set_trainable(few.parameters[0], true), Error);
  EXPECT_THROW(s.add_adapters(few), Error);
}

/// What begins as the values and follows them by a share of the way, after steps that are not skipped.
TEST_P(AdaptersTest, AveragesFollowTheValues) {
  for (const bool adapted : {false, true})
    for (const DType precision : {DType::f32, DType::bf16}) {
      Session s = make(precision);
      s.initialize(10);
      if (adapted) s.add_adapters(spec(s)), disturb(s);
      s.set_trainable(s.parameters().size() - 1, false);
      const float decay = 0.75f;
      const int o = s.create_optimizer(optimizer(s, decay));
      auto expected = read_all(s, Slot::value);
      for (uint32_t step = 0; step < 4; ++step) {
        TinyBatch b(config(), 4, step);
        if (step == 2) b.pixels[0] = std::nanf("");
        EXPECT_EQ(s.step(b.batch, o, {.lr = 1e-2f}).optimizer.skipped, step == 2);
        const auto values = read_all(s, Slot::value);
        if (step != 2)
          for (size_t i = 0; i < values.size(); ++i)
            for (size_t j = 0; j < values[i].size(); ++j) expected[i][j] += (1 - decay) * (values[i][j] - expected[i][j]);
      }
      const auto values = read_all(s, Slot::value), averages = read_all(s, Slot::average);
      for (size_t i = 0; i < values.size(); ++i)
        if (s.parameters()[i].trainable) EXPECT_LT(worst_share({expected[i]}, {averages[i]}), 1e-5) << s.parameters()[i].name;
      const TinyBatch b(config(), 4, 8);
      const float loss = s.forward_backward(b.batch).loss;
      s.zero_grad();
      s.exchange_averages(o);
      EXPECT_NE(s.forward_backward(b.batch).loss, loss);
      EXPECT_THROW(s.step(b.batch, o, {.lr = 1e-2f}), Error);
      s.zero_grad();
      for (size_t i = 0; i < values.size(); ++i)
        if (s.parameters()[i].trainable) EXPECT_EQ(read_all(s, Slot::value)[i], averages[i]);
      s.exchange_averages(o);
      EXPECT_EQ(read_all(s, Slot::value), values);
      EXPECT_EQ(s.forward_backward(b.batch).loss, loss);
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, AdaptersTest, on_backends(Text::causal, Text::bert), test_name);

}  // namespace
}  // namespace cw::test
