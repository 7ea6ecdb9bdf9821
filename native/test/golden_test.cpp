// The golden cases on each backend: features, loss, every gradient and five AdamW steps, as test/clip/goldens.test.ts holds
// the whole library against them.
#include "test/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "test/backends.h"

namespace cw::test {
namespace {

struct Way {
  const char* name;
  int64_t micro_batch;
  bool checkpointing, full_context;
};
constexpr Way kWays[] = {{"whole batch", 0, false, false},
                         {"micro-batches of 2", 2, false, false},
                         {"micro-batches of 4, an uneven tail", 4, false, false},
                         {"checkpointing", 0, true, false},
                         {"micro-batches of 2 with checkpointing", 2, true, false},
                         {"full context", 0, false, true}};

/// How near the types of 16 bits must come: f16 has three bits more than bf16.
struct Rounded {
  DType precision;
  double cosine, gradient_cosine, loss;
};
constexpr Rounded kRounded[] = {{DType::bf16, 0.999, 0.99, 0.02}, {DType::f16, 0.99999, 0.9998, 0.002}};

double largest(const std::vector<float>& v) {
  double most = 0;
  for (const float x : v) most = std::max(most, std::fabs(static_cast<double>(x)));
  return most;
}
double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::fabs(static_cast<double>(a[i]) - b[i]));
  return most;
}
double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::fabs(static_cast<double>(a[i]) - b[i]);
  return sum / static_cast<double>(a.size());
}
/// The smallest cosine between rows of `width`.
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, size_t width) {
  double least = 1;
  for (size_t row = 0; row < a.size(); row += width) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = row; i < row + width; ++i) {
      ab += static_cast<double>(a[i]) * b[i];
      aa += static_cast<double>(a[i]) * a[i];
      bb += static_cast<double>(b[i]) * b[i];
    }
    least = std::min(least, ab / std::sqrt(aa * bb));
  }
  return least;
}

class GoldenTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  Session make(DType precision = DType::f32) {
    return Session({.model = golden_.config, .device = std::get<0>(GetParam()), .precision = precision, .threads = 2}, &stop_);
  }
  void load(Session& s, DType precision = DType::f32) const {
    for (size_t i = 0; i < s.parameters().size(); ++i) {
      const std::vector<float>& values = golden_.of("value", s.parameters()[i]);
      ASSERT_EQ(values.size(), static_cast<size_t>(s.parameters()[i].count())) << s.parameters()[i].name;
      s.write({.parameter = i}, values.data());
    }
    // So few pairs have large gradients: about the scale that training would come down to.
    if (precision == DType::f16) s.set_loss_scaling({.value = 4096});
  }
  Batch batch(const Way& way) const {
    Batch b = golden_.batch(way.full_context);
    b.micro_batch = way.micro_batch;
    b.checkpointing = way.checkpointing;
    return b;
  }
  std::vector<Way> ways() const {
    std::vector<Way> all;
    for (const Way& way : kWays)
      if (!way.full_context || golden_.has_full_context()) all.push_back(way);
    return all;
  }
  std::vector<float> features(Session& s, bool of_images, bool full_context = false) const {
    const std::string key = of_images ? "image_features" : "text_features";
    std::vector<float> out(golden_.at(key).size());
    const Batch b = golden_.batch(full_context);
    if (of_images)
      s.encode_images(b.images, true, out.data());
    else
      s.encode_texts(b.tokens, true, out.data());
    return out;
  }
  size_t width() const { return static_cast<size_t>(golden_.config.embed_dim); }
  float loss() const { return golden_.at("loss")[0]; }

  const Golden golden_ = Golden::read(std::get<1>(GetParam()));
  std::atomic<bool> stop_{false};
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenTest);  // without the folder

TEST_P(GoldenTest, Encodes) {
  Session s = make();
  load(s);
  EXPECT_LE(largest_difference(features(s, true), golden_.at("image_features")), 2e-5);
  EXPECT_LE(largest_difference(features(s, false), golden_.at("text_features")), 2e-5);
  if (golden_.has_full_context()) {
    EXPECT_LE(largest_difference(features(s, false, true), golden_.at("text_features")), 2e-5);
  }
}

TEST_P(GoldenTest, HasTheLossAndEveryGradient) {
  Session s = make();
  load(s);
  for (const Way& way : ways()) {
    SCOPED_TRACE(way.name);
    s.zero_grad();
    const Session::Loss got = s.forward_backward(batch(way));
    EXPECT_NEAR(got.loss, loss(), 1e-5 * loss());
    EXPECT_NEAR(got.logit_scale, golden_.at("logit_scale")[0], 1e-5 * golden_.at("logit_scale")[0]);
    const auto grads = read_all(s, Slot::grad);
    for (size_t i = 0; i < grads.size(); ++i) {
      const std::vector<float>& want = golden_.of("grad", s.parameters()[i]);
      ASSERT_EQ(grads[i].size(), want.size());
      EXPECT_LE(largest_difference(grads[i], want), 1e-4 * largest(want) + 1e-6) << s.parameters()[i].name;
    }
  }
}

TEST_P(GoldenTest, TakesTheFiveAdamWSteps) {
  for (const Way& way : ways()) {
    SCOPED_TRACE(way.name);
    Session s = make();
    load(s);
    const int optimizer = s.create_optimizer(adamw_spec(s));
    for (const float expected : golden_.at("train_losses")) {
      const Session::Step step = s.step(batch(way), optimizer, {.lr = 1e-3f});
      EXPECT_NEAR(step.loss.loss, expected, 1e-4 * expected);
      EXPECT_FALSE(step.optimizer.skipped);
    }
    const auto values = read_all(s, Slot::value);
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_LE(mean_difference(values[i], golden_.of("after", s.parameters()[i])), 2e-5) << s.parameters()[i].name;
  }
}

TEST_P(GoldenTest, SixteenBitsComeNear) {
  for (const Rounded& type : kRounded) {
    SCOPED_TRACE(name_of(type.precision));
    Session s = make(type.precision);
    load(s, type.precision);
    const std::vector<float> images = features(s, true);
    EXPECT_GE(least_cosine(images, golden_.at("image_features"), width()), type.cosine);
    EXPECT_GE(least_cosine(features(s, false), golden_.at("text_features"), width()), type.cosine);
    EXPECT_GT(largest_difference(images, golden_.at("image_features")), 1e-5) << "nothing was rounded";
    for (const Way& way : ways()) {
      SCOPED_TRACE(way.name);
      s.zero_grad();
      EXPECT_NEAR(s.forward_backward(batch(way)).loss, loss(), type.loss * loss());
      const auto grads = read_all(s, Slot::grad);
      for (size_t i = 0; i < grads.size(); ++i) {
        const std::vector<float>& want = golden_.of("grad", s.parameters()[i]);
        // The keys' bias has no gradient in exact arithmetic: what is there is rounding.
        if (largest(want) < 1e-3) continue;
        EXPECT_GE(least_cosine(grads[i], want, want.size()), type.gradient_cosine) << s.parameters()[i].name;
      }
    }
    Session trained = make(type.precision);
    load(trained, type.precision);
    const int optimizer = trained.create_optimizer(adamw_spec(trained));
    for (const float expected : golden_.at("train_losses")) {
      const Session::Step step = trained.step(golden_.batch(), optimizer, {.lr = 1e-3f});
      EXPECT_NEAR(step.loss.loss, expected, type.loss * expected);
      EXPECT_FALSE(step.optimizer.skipped);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GoldenTest,
                         testing::Combine(testing::ValuesIn(tested_backends()), testing::ValuesIn(golden_files())),
                         [](const testing::TestParamInfo<GoldenTest::ParamType>& info) {
                           const std::string stem = std::filesystem::path(std::get<1>(info.param)).stem();
                           return as_test_name(std::get<0>(info.param)) + "_" + as_test_name(stem);
                         });

}  // namespace
}  // namespace cw::test
