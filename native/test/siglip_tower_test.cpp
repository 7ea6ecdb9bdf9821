// SigLIP's image tower in a whole session: rows without class token, pooled by attention.
#include <gtest/gtest.h>

#include "core/error.h"
#include "test/finite_differences.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

class SiglipTowerTest : public testing::TestWithParam<std::string> {
 protected:
  static ClipConfig config() {
    ClipConfig c = tiny_config();
    c.vision.kind = "siglip";
    c.vision.class_token = false;
    c.vision.act = Act::gelu_tanh;
    c.vision.layer_norm_eps = 1e-6f;
    c.embed_dim = c.vision.width;
    c.init_logit_bias = -1;
    return c;
  }
  Session make(DType precision = DType::f32) {
    return Session({.model = config(), .device = GetParam(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

TEST_P(SiglipTowerTest, GradientsAgreeWithFiniteDifferences) {
  Session s = make();
  s.initialize(3);
  enlarge(s);
  TinyBatch b(config(), 5, 1);
  b.batch.loss = &siglip();
  expect_finite_differences(s, b.batch);
}

TEST_P(SiglipTowerTest, MicroBatchesChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  enlarge(s);
  TinyBatch b(config(), 7, 2);
  b.batch.loss = &siglip();
  const Session::Loss whole = s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {2, 3}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, whole.loss, 1e-5 * whole.loss) << micro;
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
}

TEST_P(SiglipTowerTest, LeavesOutTheSamePatchesInMicroBatches) {
  Session s = make();
  s.initialize(3);
  enlarge(s);
  TinyBatch b(config(), 5, 2);
  b.batch.loss = &siglip();
  const float all = s.forward_backward(b.batch).loss;
  s.zero_grad();
  b.batch.images.dropout = {.kept = 2, .seed = 7, .step = 3};
  const float some = s.forward_backward(b.batch).loss;
  EXPECT_NE(some, all);
  const auto expected = read_all(s, Slot::grad);
  s.zero_grad();
  b.batch.micro_batch = 2;
  EXPECT_NEAR(s.forward_backward(b.batch).loss, some, 1e-5 * some);
  EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s));
}

TEST_P(SiglipTowerTest, CheckpointingGivesTheSameBits) {
  for (const DType precision : {DType::f32, DType::bf16, DType::f16}) {
    Session s = make(precision);
    s.initialize(4);
    if (precision == DType::f16) s.set_loss_scaling({.value = kFits});
    TinyBatch b(config(), 4, 3);
    b.batch.loss = &siglip();
    s.forward_backward(b.batch);
    const auto expected = read_all(s, Slot::grad);
    s.zero_grad();
    b.batch.checkpointing = true;
    s.forward_backward(b.batch);
    EXPECT_TRUE(expected == read_all(s, Slot::grad)) << name_of(precision);
  }
}

TEST_P(SiglipTowerTest, FrozenPartsGetNoGradientAndChangeNoOther) {
  Session s = make();
  s.initialize(3);
  enlarge(s);
  TinyBatch b(config(), 4, 1);
  b.batch.loss = &siglip();
  s.forward_backward(b.batch);
  const auto all = read_all(s, Slot::grad);
  s.zero_grad();
  size_t latent = 0;
  while (s.parameters()[latent].name != "visual.trunk.attn_pool.latent") ++latent;
  s.set_trainable(latent, false);
  s.forward_backward(b.batch);
  const auto rest = read_all(s, Slot::grad);
  for (size_t i = 0; i < all.size(); ++i) {
    if (i != latent) {
      EXPECT_EQ(all[i], rest[i]) << s.parameters()[i].name;
    }
  }
  for (const float x : rest[latent]) EXPECT_EQ(x, 0);
}

TEST_P(SiglipTowerTest, RefusesAClassTokenAndAnotherWidth) {
  ClipConfig c = config();
  c.vision.class_token = true;
  EXPECT_THROW(validate(c), Error);
  c = config();
  c.embed_dim = 12;
  EXPECT_THROW(validate(c), Error);
}

INSTANTIATE_TEST_SUITE_P(Backends, SiglipTowerTest, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
