// Models that only encode: one form of each weight, the same features.
#include "core/error.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

class HeldValuesTest : public SessionTest {
 protected:
  Session make_encoding(DType precision = DType::f32) {
    return Session({.model = config(), .device = device(), .precision = precision, .threads = 2, .trainable = false}, &stop_);
  }
  /// Of three pictures and captions.
  std::vector<std::vector<float>> features(Session& s) const {
    const TinyBatch batch(config(), 3, 7);
    std::vector<std::vector<float>> both(2, std::vector<float>(static_cast<size_t>(3 * config().embed_dim)));
    s.encode_images(batch.batch.images, false, both[0].data());
    s.encode_texts(batch.batch.tokens, false, both[1].data());
    return both;
  }
};

/// bf16 beside weights of bf16 or 8 bits.
bool is_token_table(const std::string& name) {
  return name.ends_with("token_embedding.weight") || name.ends_with("word_embeddings.weight");
}

TEST_P(HeldValuesTest, EncodesAsAModelThatLearns) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    Session learning = make(precision), encoding = make_encoding(precision);
    learning.initialize(5);
    encoding.initialize(5);
    const auto expected = features(learning), found = features(encoding);
    // Products of packed weights may add in another order.
    EXPECT_LT(worst_share(found, expected), precision == DType::f32 ? 1e-5 : 0.03) << name_of(precision);
  }
}

TEST_P(HeldValuesTest, ValuesAreReadAsTheyAreHeld) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    Session learning = make(precision), encoding = make_encoding(precision);
    learning.initialize(5);
    encoding.initialize(5);
    const auto exact = read_all(learning, Slot::value), held = read_all(encoding, Slot::value);
    int tabled = 0;
    for (size_t i = 0; i < exact.size(); ++i)
      for (size_t j = 0; j < exact[i].size(); ++j) {
        const float rounded = to_float(to_bf16(exact[i][j]));
        const bool whole = held[i][j] == exact[i][j];
        ASSERT_TRUE(whole || (precision == DType::bf16 && held[i][j] == rounded)) << learning.parameters()[i].name << ' ' << j;
        // The table of tokens is a large part of a model's weights, and no product.
        if (precision == DType::bf16 && is_token_table(learning.parameters()[i].name)) {
          ASSERT_EQ(held[i][j], rounded) << j;
          ++tabled;
        }
      }
    EXPECT_EQ(tabled > 0, precision == DType::bf16);
  }
}

TEST_P(HeldValuesTest, TakesValuesInPieces) {
  Session learning = make(), encoding = make_encoding();
  learning.initialize(9);
  const auto values = read_all(learning, Slot::value);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto count = static_cast<int64_t>(values[i].size()), half = count / 2;
    encoding.write({.parameter = i, .slot = Slot::value, .span = {.first = 0, .count = half}}, values[i].data());
    encoding.write({.parameter = i, .slot = Slot::value, .span = {.first = half, .count = count - half}},
                   values[i].data() + half);
  }
  EXPECT_LT(worst_share(features(encoding), features(learning)), 1e-5);
  // Later, too: a weight that is packed is taken out again.
  const std::vector<float> zeros(values[0].size(), 0.0f);
  encoding.write({.parameter = 0, .slot = Slot::value, .span = {.first = 1, .count = 1}}, zeros.data());
  std::vector<float> read(values[0].size());
  encoding.read({.parameter = 0, .slot = Slot::value}, read.data());
  EXPECT_EQ(read[0], values[0][0]);
  EXPECT_EQ(read[1], 0);
  EXPECT_EQ(read[2], values[0][2]);
  EXPECT_EQ(read_all(encoding, Slot::value)[1], values[1]);
}

TEST_P(HeldValuesTest, RoundsToEightBits) {
  const Session::Options options{.model = config(), .device = device(), .threads = 2, .trainable = false, .rounded = true};
  if (device().starts_with("cuda")) {
    EXPECT_THROW(Session(options, &stop_), Error);
    return;
  }
  Session learning = make(), rounded(options, &stop_);
  learning.initialize(5);
  rounded.initialize(5);
  const double share = worst_share(features(rounded), features(learning));
  EXPECT_LT(share, 0.05);
  EXPECT_GT(share, 1e-4);
  const auto exact = read_all(learning, Slot::value), held = read_all(rounded, Slot::value);
  const auto is_table = [&](size_t i) { return is_token_table(learning.parameters()[i].name); };
  size_t some = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    some += rounded.is_rounded(i);
    float most = 0;
    for (size_t j = 0; j < exact[i].size(); ++j) most = std::max(most, std::fabs(exact[i][j]));
    for (size_t j = 0; j < exact[i].size(); ++j)
      ASSERT_LE(std::fabs(held[i][j] - exact[i][j]), rounded.is_rounded(i) || is_table(i) ? most / 125 : 0)
          << learning.parameters()[i].name;
  }
  EXPECT_GT(some, 8u);
  // What is read and written again is the same, and so is what it encodes to.
  const auto before = features(rounded);
  for (size_t i = 0; i < held.size(); ++i) rounded.write({.parameter = i, .slot = Slot::value}, held[i].data());
  EXPECT_LT(worst_share(features(rounded), before), 1e-5);
  for (size_t i = 0; i < exact.size(); ++i) {
    rounded.set_rounded(i, false);
    rounded.write({.parameter = i, .slot = Slot::value}, exact[i].data());
  }
  const auto whole = read_all(rounded, Slot::value);
  for (size_t i = 0; i < exact.size(); ++i)
    if (!is_table(i)) {
      EXPECT_EQ(whole[i], exact[i]) << learning.parameters()[i].name;
    }
  EXPECT_LT(worst_share(features(rounded), features(learning)), 0.01);
}

TEST_P(HeldValuesTest, RefusesToLearn) {
  Session s = make_encoding();
  s.initialize(1);
  const TinyBatch batch(config(), 2, 1);
  std::vector<float> to(static_cast<size_t>(s.parameters()[0].count()));
  const std::function<void()> calls[] = {
      [&] { s.forward_backward(batch.batch); },
      [&] { s.create_optimizer({}); },
      [&] { s.set_trainable(0, false); },
      [&] { s.zero_grad(); },
      [&] { s.merge_adapters(); },
      [&] { s.add_adapters({.parameters = {0}, .rank = 1}); },
      [&] { s.read({.parameter = 0, .slot = Slot::grad}, to.data()); },
  };
  for (size_t i = 0; i < std::size(calls); ++i) {
    try {
      calls[i]();
      ADD_FAILURE() << i;
    } catch (const Error& e) {
      EXPECT_EQ(e.code, i == 4 ? Code::invalid_argument : Code::unsupported) << i << ' ' << e.what();
    }
  }
}

TEST_P(HeldValuesTest, PlansWhatItEncodesIn) {
  Session s = make_encoding();
  const auto plan = [&](int64_t batch) { return s.plan({.batch = batch, .tokens = 2}, mean_info_nce()); };
  const Session::Plan one = plan(1), many = plan(64);
  int64_t numbers = 0;
  for (const Parameter& p : s.parameters()) numbers += p.count();
  const size_t each = size_of(s.parameters()[0].weight.compute.dtype);
  EXPECT_GE(one.parameters, static_cast<size_t>(numbers) * each);
  EXPECT_EQ(one.parameters, many.parameters);
  EXPECT_EQ(one.gradients + one.optimizer, 0u);
  EXPECT_GT(many.step, 4 * one.step);  // which is mostly what a product takes whatever its rows
}

INSTANTIATE_TEST_SUITE_P(, HeldValuesTest,
                         on_backends(Text::causal, Text::open, Text::ahead, Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
