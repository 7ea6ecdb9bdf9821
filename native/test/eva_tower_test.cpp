// timm's Eva towers in a whole session: rotary attention, gated MLPs, norms within and behind branches, both ways of pooling.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "nn/rotations.h"
#include "test/finite_differences.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

/// EVA-02; its largest, with the norms last; Perception Encoder, also without a class token.
enum class Kind { eva02, norm_last, pooled, no_class_token };
constexpr Kind kKinds[] = {Kind::eva02, Kind::norm_last, Kind::pooled, Kind::no_class_token};

ClipConfig eva_config(Kind kind) {
  ClipConfig c = tiny_config();
  c.vision.kind = "eva";
  c.vision.layer_norm_eps = 1e-6f;
  c.vision.ln_pre = false;
  c.vision.eva = EvaConfig{};
  if (kind == Kind::norm_last) {
    c.vision.eva->qkv = QueryKeyValue::joint_no_key_bias;
    c.vision.eva->norm_last = true;
  } else if (kind == Kind::eva02) {
    c.vision.eva = EvaConfig{.qkv = QueryKeyValue::apart, .swiglu = true, .rotary = RotaryConfig{.reference_grid = 3}};
  } else {
    c.vision.ln_pre = true;
    c.vision.class_token = kind == Kind::pooled;
    c.vision.pool = ImagePool::attention;
    c.vision.eva = EvaConfig{.rotary = RotaryConfig{.reference_grid = 3, .first_place = 1, .columns_first = true},
                             .pool_heads = 4,
                             .pool_mlp_width = 44};
  }
  return c;
}

class EvaTowerTest : public testing::TestWithParam<std::string> {
 protected:
  Session make(Kind kind, DType precision = DType::f32) {
    return Session({.model = eva_config(kind), .device = GetParam(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

TEST_P(EvaTowerTest, GradientsAgreeWithFiniteDifferences) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    Session s = make(kind);
    s.initialize(3);
    enlarge(s);
    TinyBatch b(eva_config(kind), 5, 1);
    expect_finite_differences(s, b.batch);
  }
}

TEST_P(EvaTowerTest, LeavesOutTheSamePatchesInMicroBatches) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    Session s = make(kind);
    s.initialize(3);
    enlarge(s);
    TinyBatch b(eva_config(kind), 5, 2);
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
}

TEST_P(EvaTowerTest, CheckpointingGivesTheSameBits) {
  for (const Kind kind : kKinds)
    for (const DType precision : {DType::f32, DType::bf16, DType::f16}) {
      SCOPED_TRACE(static_cast<int>(kind));
      Session s = make(kind, precision);
      s.initialize(4);
      enlarge(s);  // features so short that their direction's gradient overflows in f16 tell nothing
      if (precision == DType::f16) s.set_loss_scaling({.value = kFits});
      TinyBatch b(eva_config(kind), 4, 3);
      s.forward_backward(b.batch);
      const auto expected = read_all(s, Slot::grad);
      s.zero_grad();
      b.batch.checkpointing = true;
      s.forward_backward(b.batch);
      EXPECT_TRUE(expected == read_all(s, Slot::grad)) << name_of(precision);
    }
}

TEST_P(EvaTowerTest, FrozenPartsGetNoGradientAndChangeNoOther) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    Session s = make(kind);
    s.initialize(3);
    enlarge(s);
    TinyBatch b(eva_config(kind), 4, 1);
    s.forward_backward(b.batch);
    const auto all = read_all(s, Slot::grad);
    s.zero_grad();
    const auto frozen = [&](size_t i) {
      const std::string& name = s.parameters()[i].name;
      return name.find(".fc1_g.") != std::string::npos || name.find(".q_") != std::string::npos ||
             name.find(".attn.ln.") != std::string::npos || name.ends_with("blocks.0.ln_1.weight");
    };
    for (size_t i = 0; i < all.size(); ++i)
      if (frozen(i)) s.set_trainable(i, false);
    s.forward_backward(b.batch);
    const auto rest = read_all(s, Slot::grad);
    for (size_t i = 0; i < all.size(); ++i) {
      if (frozen(i))
        for (const float x : rest[i]) EXPECT_EQ(x, 0);
      else
        EXPECT_EQ(all[i], rest[i]) << s.parameters()[i].name;
    }
  }
}

TEST_P(EvaTowerTest, KeysHaveNoBiasThatTrainingCouldMove) {
  Session s = make(Kind::norm_last);
  s.initialize(3);
  enlarge(s);
  TinyBatch b(eva_config(Kind::norm_last), 4, 1);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  for (int i = 0; i < 3; ++i) s.step(b.batch, optimizer, {.lr = 1e-2f});
  const auto values = read_all(s, Slot::value);
  std::vector<float> trained(12 * 4), again(12 * 4);
  s.encode_images(b.batch.images, true, trained.data());
  Session fresh = make(Kind::norm_last);  // whose memory between q's and v's bias nothing has written
  for (size_t i = 0; i < values.size(); ++i) fresh.write({.parameter = i}, values[i].data());
  fresh.encode_images(b.batch.images, true, again.data());
  EXPECT_EQ(trained, again);
}

TEST_P(EvaTowerTest, RefusesWhatCannotBe) {
  const auto refuses = [](Kind kind, const auto& change) {
    ClipConfig c = eva_config(kind);
    change(c.vision);
    EXPECT_THROW(validate(c), Error);
  };
  refuses(Kind::eva02, [](VisionConfig& v) { v.eva.reset(); });
  refuses(Kind::eva02, [](VisionConfig& v) { v.heads = 4; });  // of 6 channels
  refuses(Kind::eva02, [](VisionConfig& v) { v.pool = ImagePool::mean; });
  refuses(Kind::eva02, [](VisionConfig& v) { v.class_token = false; });
  refuses(Kind::eva02, [](VisionConfig& v) { v.eva->rotary->reference_grid = 0; });
  refuses(Kind::norm_last, [](VisionConfig& v) { v.layer_scale = 1; });
  refuses(Kind::pooled, [](VisionConfig& v) { v.eva->pool_heads = 5; });
  refuses(Kind::pooled, [](VisionConfig& v) { v.eva->pool_mlp_width = 0; });
  refuses(Kind::pooled, [](VisionConfig& v) { v.kind = "vit"; });
}

INSTANTIATE_TEST_SUITE_P(Backends, EvaTowerTest, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

// timm's build_rotary_pos_embed([2, 2], dim=8, in_pixels=False, ref_feat_shape=[3, 3]), of which it repeats each number twice.
TEST(Rotations, TurnByRowsAndColumns) {
  const std::vector<float> table = square_rotations({.before = 1, .grid = 2, .channels = 8, .reference_grid = 3});
  ASSERT_EQ(table.size(), 5u * 8);
  const auto row = [&](size_t r, std::vector<double> angles) {
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(table[r * 8 + i], std::cos(angles[i]), 1e-6) << r << " " << i;
      EXPECT_NEAR(table[r * 8 + 4 + i], std::sin(angles[i]), 1e-6) << r << " " << i;
    }
  };
  row(0, {0, 0, 0, 0});  // the class token
  row(1, {0, 0, 0, 0});
  row(2, {0, 0, 1.5, 0.015});
  row(3, {1.5, 0.015, 0, 0});
  row(4, {1.5, 0.015, 1.5, 0.015});
  const std::vector<float> turned = square_rotations({.grid = 2, .channels = 8, .reference_grid = 2, .first_place = 1, .columns_first = true});
  EXPECT_NEAR(turned[1 * 8 + 4], std::sin(2.0), 1e-6);  // of the second patch, the column's angle first
  EXPECT_NEAR(turned[1 * 8 + 6], std::sin(1.0), 1e-6);
}

}  // namespace
}  // namespace cw::test
