// The sigmoid loss in a whole session: its parameter logit_bias, and what a model that has one does under another loss.
#include <gtest/gtest.h>

#include <cmath>

#include "test/session_fixture.h"

namespace cw::test {
namespace {

class SiglipSession : public testing::TestWithParam<std::string> {
 protected:
  static ClipConfig config() {
    ClipConfig c = tiny_config();
    c.init_logit_scale = std::log(10.0f);
    c.init_logit_bias = -3;
    return c;
  }
  Session make(DType precision = DType::f32, const ClipConfig& model = config()) {
    return Session({.model = model, .device = GetParam(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

struct SiglipBatch : TinyBatch {
  SiglipBatch(int64_t n, uint32_t seed) : TinyBatch(tiny_config(), n, seed) { batch.loss = &siglip(); }
};

size_t index_of(const Session& s, const std::string& name) {
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].name == name) return i;
  throw std::out_of_range(name);
}

/// softplus(-z·logit), meaned over pictures, of unit features in doubles.
double expected_loss(Session& s, const Batch& b, double scale, double bias) {
  const auto n = static_cast<size_t>(b.images.count), e = static_cast<size_t>(tiny_config().embed_dim);
  std::vector<float> images(n * e), texts(n * e);
  s.encode_images(b.images, true, images.data());
  s.encode_texts(b.tokens, true, texts.data());
  double sum = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      double dot = 0;
      for (size_t k = 0; k < e; ++k) dot += static_cast<double>(images[i * e + k]) * static_cast<double>(texts[j * e + k]);
      sum += std::log1p(std::exp((i == j ? -1 : 1) * (scale * dot + bias)));
    }
  return sum / static_cast<double>(n);
}

TEST_P(SiglipSession, HasTheFormulasValueWithAndWithoutABias) {
  SiglipBatch b(6, 1);
  Session with = make();
  with.initialize(3);
  EXPECT_NEAR(with.forward_backward(b.batch).loss, expected_loss(with, b.batch, 10, -3), 2e-5);
  ClipConfig bare = config();
  bare.init_logit_bias.reset();
  Session without = make(DType::f32, bare);
  without.initialize(3);
  EXPECT_THROW(index_of(without, "logit_bias"), std::out_of_range);
  EXPECT_NEAR(without.forward_backward(b.batch).loss, expected_loss(without, b.batch, 10, 0), 2e-4);
}

TEST_P(SiglipSession, GradientsOfScaleAndBiasAgreeWithFiniteDifferences) {
  Session s = make();
  s.initialize(3);
  SiglipBatch b(6, 1);
  s.forward_backward(b.batch);
  const auto grads = read_all(s, Slot::grad), values = read_all(s, Slot::value);
  for (const char* name : {"logit_scale", "logit_bias"}) {
    const size_t i = index_of(s, name);
    const auto loss_at = [&](float t) {
      const float moved = values[i][0] + t;
      s.write({.parameter = i}, &moved);
      s.zero_grad();
      const double loss = s.forward_backward(b.batch).loss;
      s.write({.parameter = i}, values[i].data());
      return loss;
    };
    constexpr float kStep = 1e-2f;
    const double slope = (loss_at(kStep) - loss_at(-kStep)) / (2 * static_cast<double>(kStep));
    EXPECT_GT(std::fabs(slope), 0.01) << name;
    EXPECT_NEAR(grads[i][0], slope, 2e-3 * std::fabs(slope) + 1e-4) << name;
  }
}

TEST_P(SiglipSession, MicroBatchesChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  SiglipBatch b(7, 2);
  const Session::Loss whole = s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {2, 3}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, whole.loss, 1e-5 * whole.loss) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
}

TEST_P(SiglipSession, CheckpointingGivesTheSameBits) {
  for (const DType precision : {DType::f32, DType::bf16, DType::f16}) {
    Session s = make(precision);
    s.initialize(4);
    if (precision == DType::f16) s.set_loss_scaling({.value = kFits});
    SiglipBatch b(4, 3);
    s.forward_backward(b.batch);
    const auto expected = read_all(s, Slot::grad);
    s.zero_grad();
    b.batch.checkpointing = true;
    s.forward_backward(b.batch);
    EXPECT_TRUE(expected == read_all(s, Slot::grad)) << name_of(precision);
  }
}

TEST_P(SiglipSession, GradientsOfScaleAndBiasAddUp) {
  Session s = make();
  s.initialize(6);
  SiglipBatch b(3, 5);
  s.forward_backward(b.batch);
  const auto once = read_all(s, Slot::grad);
  s.forward_backward(b.batch);
  const auto twice = read_all(s, Slot::grad);
  for (const char* name : {"logit_scale", "logit_bias"}) {
    const size_t i = index_of(s, name);
    EXPECT_NEAR(twice[i][0], 2 * once[i][0], 1e-5 * std::fabs(once[i][0])) << name;
  }
}

TEST_P(SiglipSession, ASoftmaxDoesNotSeeTheBias) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(tiny_config(), 5, 1);
  const float loss = s.forward_backward(b.batch).loss;
  const size_t bias = index_of(s, "logit_bias");
  EXPECT_EQ(read_all(s, Slot::grad)[bias][0], 0);
  const float other = 2;
  s.write({.parameter = bias}, &other);
  EXPECT_EQ(s.forward_backward(b.batch).loss, loss);
  EXPECT_EQ(read_all(s, Slot::grad)[bias][0], 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, SiglipSession, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
