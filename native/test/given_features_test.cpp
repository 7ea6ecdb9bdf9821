// A tower that learns nothing need not run: a batch brings its features.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

class GivenFeaturesTest : public SessionTest {
 protected:
  static bool of_image_tower(const Parameter& p) { return p.name.starts_with("visual."); }
  static bool of_text_tower(const Parameter& p) { return !of_image_tower(p) && !p.name.starts_with("logit"); }
  static void lock(Session& s, bool (*locked)(const Parameter&)) {
    for (size_t i = 0; i < s.parameters().size(); ++i) s.set_trainable(i, !locked(s.parameters()[i]));
  }
  /// Calls of the ops that a gradient takes and its forward does not.
  static int64_t calls_of(const std::vector<OpTime>& times, const char* op) {
    const auto found = std::find_if(times.begin(), times.end(), [&](const OpTime& t) { return t.name == op; });
    return found == times.end() ? 0 : found->calls;
  }
};

TEST_P(GivenFeaturesTest, AreTheBitsOfTheTower) {
  for (const bool image : {true, false})
    for (const int64_t micro : {0, 3}) {
      Session s = make();
      s.initialize(3);
      lock(s, image ? of_image_tower : of_text_tower);
      TinyBatch b(config(), 6, 1);
      b.batch.micro_batch = micro;
      const float loss = s.forward_backward(b.batch).loss;
      const auto expected = read_all(s, Slot::grad);
      s.zero_grad();
      std::vector<float> features(6 * 12);
      // As micro-batches made them: sums of another size may be rounded otherwise.
      const int64_t step = micro > 0 ? micro : 6;
      for (int64_t first = 0; first < 6; first += step) {
        float* const to = features.data() + 12 * first;
        if (image) {
          s.encode_images({.data = b.pixels.data() + first * 3 * 16 * 16, .dtype = DType::f32, .count = step}, false, to);
          continue;
        }
        std::vector<int32_t> offsets, pool;
        const int32_t begin = b.offsets[static_cast<size_t>(first)];
        for (int64_t i = first; i <= first + step; ++i) offsets.push_back(b.offsets[static_cast<size_t>(i)] - begin);
        for (int64_t i = first; i < first + step; ++i) pool.push_back(b.pool[static_cast<size_t>(i)] - begin);
        s.encode_texts({.ids = b.ids.data() + begin, .offsets = offsets.data(), .pool = pool.data(), .count = step}, false, to);
      }
      if (image)
        b.batch.images = {.count = 6, .features = features.data()};
      else
        b.batch.tokens = {.count = 6, .features = features.data()};
      EXPECT_EQ(s.forward_backward(b.batch).loss, loss);
      EXPECT_EQ(read_all(s, Slot::grad), expected);
    }
}

TEST_P(GivenFeaturesTest, AreRefusedOfATowerThatLearns) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 3, 1);
  const std::vector<float> features(3 * 12, 1);
  b.batch.images = {.count = 3, .features = features.data()};
  try {
    s.forward_backward(b.batch);
    FAIL() << "expected invalid_argument";
  } catch (const Error& e) {
    EXPECT_EQ(e.code, Code::invalid_argument);
    EXPECT_NE(std::string(e.what()).find("image tower"), std::string::npos);
  }
}

TEST_P(GivenFeaturesTest, ALockedTowerHasNoBackwardPassAndNoOtherStepsBits) {
  const auto run = [&](bool locked, std::vector<std::vector<float>>& grads) {
    Session s = make();
    s.initialize(3);
    if (locked) lock(s, of_image_tower);
    TinyBatch b(config(), 5, 1);
    s.profile(true);
    s.forward_backward(b.batch);
    const auto times = s.op_times();
    s.profile(false);
    grads.clear();
    for (size_t i = 0; i < s.parameters().size(); ++i)
      if (!of_image_tower(s.parameters()[i])) {
        grads.emplace_back(static_cast<size_t>(s.parameters()[i].count()));
        s.read({.parameter = i, .slot = Slot::grad}, grads.back().data());
      }
    return times;
  };
  std::vector<std::vector<float>> of_both, of_text;
  const auto both = run(false, of_both), text = run(true, of_text);
  EXPECT_EQ(of_text, of_both);
  EXPECT_EQ(calls_of(text, "linear"), calls_of(both, "linear"));
  EXPECT_EQ(calls_of(text, "vision_tokens_grad"), 0);
  EXPECT_EQ(calls_of(both, "vision_tokens_grad"), 1);
  // Each tower has two blocks.
  EXPECT_EQ(calls_of(text, "attention_grad"), 2);
  EXPECT_EQ(calls_of(both, "attention_grad"), 4);
}

TEST_P(GivenFeaturesTest, ABackwardPassEndsAtTheLowestLayerThatLearns) {
  const auto upper = [](const Parameter& p) { return of_image_tower(p) && p.name.find(".resblocks.1.") == std::string::npos; };
  const auto attention = [](const Parameter& p) { return of_image_tower(p) && p.name.find(".resblocks.1.mlp.") == std::string::npos; };
  const auto times = [&](bool (*locked)(const Parameter&)) {
    Session s = make();
    s.initialize(3);
    if (locked) lock(s, locked);
    TinyBatch b(config(), 5, 1);
    s.profile(true);
    s.forward_backward(b.batch);
    return s.op_times();
  };
  const auto all = times(nullptr), last = times(+upper), mlp = times(+attention);
  EXPECT_EQ(calls_of(last, "attention_grad"), calls_of(all, "attention_grad") - 1);
  EXPECT_EQ(calls_of(last, "vision_tokens_grad"), 0);
  // Of the first block's four weights, its last bias, the patches' weight and the projection there is no gradient. The last block's
  // own below its MLP are not made either, nor what would lead to them.
  EXPECT_EQ(calls_of(last, "linear_weight_grad"), calls_of(all, "linear_weight_grad") - 7);
  EXPECT_LT(calls_of(mlp, "linear_weight_grad"), calls_of(last, "linear_weight_grad"));
  EXPECT_EQ(calls_of(mlp, "attention_grad"), calls_of(all, "attention_grad") - 2);
}

INSTANTIATE_TEST_SUITE_P(Backends, GivenFeaturesTest, on_backends(Text::causal, Text::bert), test_name);

}  // namespace
}  // namespace cw::test
