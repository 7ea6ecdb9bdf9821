// What losses take beside features and their gradients, where unit features of pictures give way to their gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/planned_runs.h"
#include "loss/pair_loss.h"
#include "test/backends.h"

namespace cw {
namespace {

constexpr int64_t kPairs = 33, kWidth = 16;

PairLossSpec spec_of(const std::string& kind) { return {.kind = kind, .options = {{"reduction", "mean"}}}; }

class LossMemory : public testing::TestWithParam<std::string> {
 protected:
  Tensor take(int64_t rows, int64_t cols) {
    const Tensor shape = Tensor::of(nullptr, DType::f32, rows, cols);
    buffers_.push_back(backend_->allocate(shape.bytes()));
    return Tensor::of(buffers_.back()->data(), DType::f32, rows, cols);
  }

  const std::unique_ptr<Backend> backend_ = make_backend(GetParam(), 1);

 private:
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

/// What a loss and its gradients take, with their products in this type.
PlannedRuns::Bytes planned(Backend& backend, const std::string& kind, int64_t pairs, int64_t width, DType products) {
  const auto loss = make_pair_loss(spec_of(kind));
  return PlannedRuns(backend, DType::f32).measure([&](PlannedRuns::Run& run) {
    Arena& arena = run.context.arena;
    const auto of = [&](int64_t rows, int64_t cols) { return arena.take(rows, cols, DType::f32); };
    const PairFeatures f{.image = of(pairs, width), .text = of(pairs, width), .dimage = of(pairs, width),
                         .dtext = of(pairs, width), .loss = of(1, 1), .products = products};
    loss->run(run.context.ops, arena, f, {.logit_scale = of(1, 1), .dlogit_scale = of(1, 1)});
  });
}

TEST_P(LossMemory, IsOneCopyOfTheCaptionsFeatures) {
  constexpr int64_t pairs = 20'000, width = 64;
  // Five copies, of which four are there before.
  constexpr double copy = double{pairs} * width * sizeof(float);
  for (const std::string kind : {"infonce", "siglip"})
    EXPECT_LT(static_cast<double>(planned(*backend_, kind, pairs, width, DType::f32).arena), 5.25 * copy) << kind;
}

TEST(LossMemoryOfTheCpu, IsAHundredthOfAMatrixOfLogits) {
  const auto backend = make_backend("cpu", 2);
  const auto beside = [&](const std::string& kind, int64_t pairs, DType products) {
    constexpr int64_t width = 512;
    return planned(*backend, kind, pairs, width, products).total() - 4 * static_cast<size_t>(pairs * width) * sizeof(float);
  };
  for (const std::string kind : {"infonce", "siglip"}) {
    EXPECT_LT(beside(kind, 16'384, DType::f32), 42u << 20) << kind << ", of whose four matrices open_clip holds 4 GiB";
    EXPECT_LT(beside(kind, 131'072, DType::bf16), 600u << 20) << kind;
  }
}

TEST_P(LossMemory, StatisticsAreThoseOfALossWithoutGradients) {
  const Tensor image = take(kPairs, kWidth), text = take(kPairs, kWidth), scale = take(1, 1);
  const float log_scale = std::log(1 / 0.07f);
  backend_->upload(scale, &log_scale);
  backend_->random_init({.y = image, .seed = 1, .stream = 0});
  backend_->random_init({.y = text, .seed = 1, .stream = 1});
  for (const std::string kind : {"infonce", "siglip"}) {
    const auto loss = make_pair_loss(spec_of(kind));
    const auto statistics = [&](const Tensor& dimage, const Tensor& dtext) {
      const Tensor all = take(1, 3 * kPairs), value = take(1, 1), dscale = take(1, 1);
      PlannedRuns(*backend_, DType::f32).run([&](PlannedRuns::Run& run) {
        loss->run(run.context.ops, run.context.arena,
                  {.image = image, .text = text, .dimage = dimage, .dtext = dtext, .loss = value, .statistics = all},
                  {.logit_scale = scale, .dlogit_scale = dscale});
      });
      std::vector<float> values(static_cast<size_t>(all.cols));
      backend_->download(values.data(), all);
      return values;
    };
    const std::vector<float> alone = statistics({}, {}), beside = statistics(take(kPairs, kWidth), take(kPairs, kWidth));
    EXPECT_GT(alone[0], 0) << kind;
    EXPECT_EQ(alone, beside) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LossMemory, testing::ValuesIn(test::tested_backends()),
                         [](const auto& info) { return test::as_test_name(info.param); });

}  // namespace
}  // namespace cw
