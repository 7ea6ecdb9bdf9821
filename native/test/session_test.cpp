// A whole session on each backend: gradients against finite differences, and every way to run a step against the plain one.
#include "engine/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "core/error.h"
#include "test/finite_differences.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

/// Every token sees none after it.
class CausalSessionTest : public SessionTest {};

TEST_P(SessionTest, GradientsAgreeWithFiniteDifferences) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 5, 1);
  b.batch.tokens.dropout = DropoutDraws{.seed = 8, .step = 2};
  expect_finite_differences(s, b.batch);
}

TEST_P(SessionTest, PatchesLeftOutAreTheSameInMicroBatchesAndOthersInOtherSteps) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 5, 2);
  std::vector<float> features(5 * 12), plain = features;
  s.encode_images(b.batch.images, true, plain.data());
  const float all = s.forward_backward(b.batch).loss;
  s.zero_grad();
  b.batch.images.dropout = {.kept = 4, .seed = 7, .step = 1};  // of four
  EXPECT_EQ(s.forward_backward(b.batch).loss, all);
  s.zero_grad();
  b.batch.images.dropout.kept = 2;
  const float some = s.forward_backward(b.batch).loss;
  EXPECT_GT(std::fabs(some - all), 1e-5);
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {2, 3}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, some, 1e-5) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
  b.batch.images.dropout.step = 2;
  EXPECT_GT(std::fabs(s.forward_backward(b.batch).loss - some), 1e-6);
  s.encode_images({.data = b.pixels.data(), .dtype = DType::f32, .count = 5}, true, features.data());
  EXPECT_EQ(features, plain);
  b.batch.images.dropout.kept = 5;
  EXPECT_THROW(s.forward_backward(b.batch), Error);
}

TEST_P(SessionTest, DropoutIsTheSameInMicroBatchesAndRecomputedBlocksAndOtherInOtherSteps) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 7, 2);
  const float all = s.forward_backward(b.batch).loss;
  const auto run = [&](DropoutDraws draws, int64_t micro_batch = 0, bool checkpointing = false) {
    s.zero_grad();
    b.batch.tokens.dropout = draws;
    b.batch.micro_batch = micro_batch;
    b.batch.checkpointing = checkpointing;
    return s.forward_backward(b.batch).loss;
  };
  const float some = run({.seed = 7, .step = 1});
  if (!config().text.has_dropout()) {
    EXPECT_EQ(some, all);
    return;
  }
  EXPECT_GT(std::fabs(some - all), 1e-5);
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {2, 3}) {
    EXPECT_NEAR(run({.seed = 7, .step = 1}, micro), some, 1e-5) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
  EXPECT_EQ(run({.seed = 7, .step = 1}, 0, true), some);
  EXPECT_EQ(read_all(s, Slot::grad), expected);
  EXPECT_GT(std::fabs(run({.seed = 7, .step = 2}) - some), 1e-6);
  EXPECT_GT(std::fabs(run({.seed = uint64_t{7} << 32, .step = 1}) - some), 1e-6);
  // A tower that does not learn has it all the same.
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].name.starts_with("text.")) s.set_trainable(i, false);
  EXPECT_EQ(run({.seed = 7, .step = 1}), some);
}

TEST_P(SessionTest, EncodingLeavesOutNothing) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 3, 2);
  std::vector<float> plain(3 * 12), after = plain;
  s.encode_texts(b.batch.tokens, true, plain.data());
  b.batch.tokens.dropout = DropoutDraws{.seed = 1, .step = 1};
  s.forward_backward(b.batch);
  s.encode_texts(TinyBatch(config(), 3, 2).batch.tokens, true, after.data());
  EXPECT_EQ(after, plain);
}

TEST(PatchDropout, KeepsEachPatchAboutEquallyOftenAndNeverTwice) {
  constexpr int kPatches = 49, kKept = 20, kSamples = 4000;
  std::vector<int> seen(kPatches);
  for (uint32_t sample = 0; sample < kSamples; ++sample) {
    const std::vector<int32_t> kept = PatchDropout{.kept = kKept, .seed = 3, .step = 9}.patches_of(sample, kPatches);
    ASSERT_EQ(kept.size(), static_cast<size_t>(kKept));
    for (size_t i = 0; i < kept.size(); ++i) {
      ASSERT_LT(i == 0 ? -1 : kept[i - 1], kept[i]);
      ++seen[static_cast<size_t>(kept[i])];
    }
  }
  // Six standard deviations of a binomial distribution.
  const double share = static_cast<double>(kKept) / kPatches, deviation = std::sqrt(kSamples * share * (1 - share));
  for (const int count : seen) EXPECT_NEAR(count, kSamples * share, 6 * deviation);
}

TEST_P(SessionTest, CheckpointingGivesTheSameBits) {
  for (const DType precision : {DType::f32, DType::bf16, DType::f16}) {
    Session s = make(precision);
    s.initialize(4);
    if (precision == DType::f16) s.set_loss_scaling({.value = kFits});
    TinyBatch b(config(), 4, 3);
    s.forward_backward(b.batch);
    const auto expected = read_all(s, Slot::grad);
    s.zero_grad();
    b.batch.checkpointing = true;
    s.forward_backward(b.batch);
    EXPECT_TRUE(expected == read_all(s, Slot::grad)) << name_of(precision);
  }
}

TEST_P(SessionTest, CheckpointingMakesOneProductOfEachBlockAgain) {
  Session s = make();
  s.initialize(4);
  TinyBatch b(config(), 4, 3);
  const auto calls = [&](bool checkpointing) {
    b.batch.checkpointing = checkpointing;
    s.profile(true);
    s.forward_backward(b.batch);
    std::map<std::string, int64_t> found;
    for (const OpTime& t : s.op_times())
      if (t.shape.empty()) found[t.name] = t.calls;
    s.profile(false);
    return found;
  };
  auto plain = calls(false), again = calls(true);
  const int64_t layers = config().vision.layers + config().text.layers;
  EXPECT_EQ(again["linear"] - plain["linear"], layers);
  EXPECT_EQ(again["attention"] - plain["attention"], layers);
  EXPECT_GT(again["layer_norm"], plain["layer_norm"]);
  for (const char* same : {"rotary", "dropout", "embed", "patchify"})
    EXPECT_EQ(again[same], plain[same]) << same;
}

TEST_P(SessionTest, CheckpointingIsPlannedToTakeLess) {
  Session s = make();
  const auto plan = [&](int64_t micro_batch, bool checkpointing) {
    return s.plan({.batch = 64, .tokens = 9, .micro_batch = micro_batch, .checkpointing = checkpointing}, mean_info_nce());
  };
  const auto plain = plan(0, false), kept = plan(0, true), micro = plan(8, false);
  EXPECT_LT(kept.step, plain.step);
  EXPECT_LT(micro.step, plain.step / 3);
  EXPECT_GT(plain.total(), plain.step + plain.parameters);
  EXPECT_EQ(plain.gradients * 2, plain.optimizer);
  EXPECT_GT(plain.parameters, plain.gradients);
}

TEST_P(SessionTest, APlanIsTheSameBeforeAndAfterThereAreGradients) {
  Session s = make();
  s.initialize(5);
  const TinyBatch b(config(), 6, 4);
  const auto plan = [&] { return s.plan({.batch = 6, .tokens = 4}, mean_info_nce()).step; };
  const size_t before = plan();
  s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  EXPECT_EQ(plan(), before);
  EXPECT_TRUE(expected == read_all(s, Slot::grad));
}

TEST_P(CausalSessionTest, TokensAfterEotChangeNothing) {
  Session s = make();
  s.initialize(5);
  const TinyBatch packed(config(), 6, 4), padded(config(), 6, 4, /*full_context=*/true);
  const Session::Loss a = s.forward_backward(packed.batch);
  const auto expected = read_all(s, Slot::grad);
  s.zero_grad();
  const Session::Loss b = s.forward_backward(padded.batch);
  EXPECT_NEAR(a.loss, b.loss, 1e-6);
  EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), 2e-5);
}

TEST_P(SessionTest, GradientsAddUpUntilTheyAreCleared) {
  Session s = make();
  s.initialize(6);
  const TinyBatch b(config(), 3, 5);
  s.forward_backward(b.batch);
  auto once = read_all(s, Slot::grad);
  s.forward_backward(b.batch);
  const auto twice = read_all(s, Slot::grad);
  for (auto& t : once)
    for (float& x : t) x *= 2;
  EXPECT_LT(worst_share(once, twice), 1e-5);
  s.zero_grad();
  for (const auto& t : read_all(s, Slot::grad))
    for (const float x : t) ASSERT_EQ(x, 0);
}

TEST_P(SessionTest, TheSameSeedGivesTheSameBits) {
  const auto train = [&](DType precision) {
    Session s = make(precision);
    s.initialize(8);
    const int optimizer = s.create_optimizer(adamw_spec(s));
    for (uint32_t i = 0; i < 4; ++i) s.step(TinyBatch(config(), 5, i).batch, optimizer, {.lr = 1e-3f, .max_grad_norm = 1});
    return read_all(s, Slot::value);
  };
  EXPECT_EQ(train(DType::f32), train(DType::f32));
  EXPECT_EQ(train(DType::bf16), train(DType::bf16));
  EXPECT_EQ(train(DType::f16), train(DType::f16));  // a skipped step among them
}

TEST_P(SessionTest, AStepMayBeQueuedBeforeTheLastOnesResultsAreRead) {
  Session one_by_one = make(DType::f16), ahead = make(DType::f16);  // f16: the second step depends on the first one's scale
  std::vector<float> expected, got;
  const auto note = [](std::vector<float>& to, const Session::Step& s) {
    for (const float v : {s.loss.loss, s.loss.logit_scale, s.optimizer.grad_norm, s.optimizer.loss_scale})
      to.push_back(std::isfinite(v) ? v : -1);  // NaN is not equal to itself
  };
  for (Session* s : {&one_by_one, &ahead}) {
    s->initialize(8);
    s->create_optimizer(adamw_spec(*s));
    s->set_loss_scaling({.value = 4096});  // too high for the first steps
  }
  const Optimizer::Step options{.lr = 1e-2f, .max_grad_norm = 1};
  Session::Results last;
  for (uint32_t i = 0; i < 4; ++i) {
    const TinyBatch b(config(), 5, i);
    const Session::Step step = one_by_one.step(b.batch, 0, options);
    EXPECT_EQ(step.device_ms.value_or(0) > 0, one_by_one.concurrent());
    note(expected, step);
    Session::Results results = ahead.queue_step(b.batch, 0, options);
    if (last) note(got, last());
    last = std::move(results);
  }
  note(got, last());
  EXPECT_EQ(got, expected);
  EXPECT_EQ(read_all(ahead, Slot::value), read_all(one_by_one, Slot::value));
}

TEST_P(SessionTest, SixteenBitsStayCloseToF32) {
  Session exact = make();
  exact.initialize(9);
  const TinyBatch b(config(), 6, 7);
  const float loss = exact.forward_backward(b.batch).loss;
  const auto grads = read_all(exact, Slot::grad);
  for (const auto& [type, loss_share, grad_share] : {std::tuple{DType::bf16, 0.02, 0.3}, {DType::f16, 0.002, 0.04}}) {
    SCOPED_TRACE(name_of(type));
    Session rounded = make(type);
    rounded.initialize(9);
    if (type == DType::f16) rounded.set_loss_scaling({.value = kFits});
    EXPECT_NEAR(rounded.forward_backward(b.batch).loss / loss, 1, loss_share);
    const auto found = read_all(rounded, Slot::grad);  // f16's without their scale
    for (size_t i = 0; i < grads.size(); ++i)
      // The keys' bias has no gradient in exact arithmetic: what is there is rounding.
      if (const std::string& name = exact.parameters()[i].name; !name.ends_with("in_proj_bias") && !name.ends_with("key.bias")) {
        EXPECT_LT(worst_share({grads[i]}, {found[i]}), grad_share) << exact.parameters()[i].name;
      }
  }
}

TEST_P(SessionTest, AStepWithoutAFiniteNormIsSkipped) {
  Session s = make();
  s.initialize(10);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  TinyBatch b(config(), 3, 8);
  b.pixels[0] = std::nanf("");
  const auto before = read_all(s, Slot::value);
  EXPECT_TRUE(s.step(b.batch, optimizer, {.lr = 1e-3f}).optimizer.skipped);
  EXPECT_EQ(before, read_all(s, Slot::value));
  EXPECT_EQ(s.optimizer(optimizer).steps(), 0);
  EXPECT_FALSE(s.step(TinyBatch(config(), 3, 8).batch, optimizer, {.lr = 1e-3f}).optimizer.skipped);
  EXPECT_EQ(s.optimizer(optimizer).steps(), 1);
}

TEST_P(SessionTest, AStopFlagCancelsAndTheSessionStaysUsable) {
  Session s = make();
  s.initialize(11);
  const TinyBatch b(config(), 3, 9);
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
  TinyBatch b(config(), 3, 9);
  b.ids[1] = 23;
  EXPECT_NE(message([&] { s.forward_backward(b.batch); }).find("id 23"), std::string::npos);
  b.ids[1] = 0;
  b.batch.tokens.count = 2;
  EXPECT_NE(message([&] { s.forward_backward(b.batch); }).find("3 images and 2 captions"), std::string::npos);
  EXPECT_NE(message([&] { s.optimizer(0); }).find("handle 0"), std::string::npos);
  ClipConfig wrong = config();
  wrong.text.heads = 7;
  EXPECT_NE(message([&] { Session({.model = wrong, .device = device()}, nullptr); }).find("text.heads"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Backends, SessionTest,
                         on_backends(Text::causal, Text::open, Text::ahead, Text::bert, Text::roberta, Text::bare), test_name);
INSTANTIATE_TEST_SUITE_P(Backends, CausalSessionTest, on_backends(Text::causal), test_name);

}  // namespace
}  // namespace cw::test
