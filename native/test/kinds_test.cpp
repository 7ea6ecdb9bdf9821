// Names that choose: what a table lists when it lacks one, and whose moments are asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/names.h"
#include "test/tiny_model.h"

namespace cw::test {
namespace {

template <class Body>
std::string refusal(Body&& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code, Code::invalid_argument);
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Names, AreLookedUpAndListed) {
  constexpr Named<int> kThree[] = {{"one", 1}, {"two", 2}, {"three", 3}};
  constexpr Named<int> kOne[] = {{"one", 1}};
  EXPECT_EQ(named(kThree, "three", "number"), 3);
  EXPECT_EQ(refusal([&] { named(kThree, "four", "number"); }), "number: expected one, two or three, got four");
  EXPECT_EQ(refusal([&] { named(kOne, "", "number"); }), "number: expected one, got ");
}

TEST(Kinds, OfALossNameItAndItsOptions) {
  EXPECT_EQ(refusal([] { make_pair_loss({.kind = "novel"}); }), "loss.kind: expected infonce, siglip or distill, got novel");
  EXPECT_EQ(refusal([] { make_pair_loss({.kind = "infonce"}); }), "loss.reduction: expected a string");
  EXPECT_EQ(refusal([] { make_pair_loss({.kind = "infonce", .options = {{"reduction", "max"}}}); }),
            "loss.reduction: expected mean or sum, got max");
}

TEST(Kinds, OfTowersAreNamed) {
  ClipConfig c = tiny_config();
  c.text.kind = "novel";
  EXPECT_EQ(refusal([&] { validate(c); }), "[model config] text.kind: expected causal or bert, got novel");
  c.text.kind = "bert";
  EXPECT_EQ(refusal([&] { validate(c); }), "[model config] text.bert is missing");
  c = tiny_config();
  c.vision.kind = "novel";
  EXPECT_EQ(refusal([&] { validate(c); }), "[model config] vision.kind: expected vit, siglip or eva, got novel");
}

TEST(Kinds, OfABertsProjectionSayHowItLiesAndBegins) {
  ClipConfig c = tiny_config(Text::bert);
  const auto projection = [&] {
    Parameters p;
    const Clip clip(p, c);
    return p[p.size() - 2];  // before logit_scale
  };
  EXPECT_EQ(projection().shape, (std::vector<int64_t>{20, 12}));
  EXPECT_EQ(projection().init.kind, Init::Kind::normal);
  c.text.bert->projection = {.input_major = false, .init = Init::Kind::uniform};
  EXPECT_EQ(projection().shape, (std::vector<int64_t>{12, 20}));
  EXPECT_EQ(projection().init.kind, Init::Kind::uniform);
  EXPECT_EQ(projection().name, "text.proj.weight");
  c.text.bert->projection = {.kind = Projection::mlp, .input_major = true};
  EXPECT_NE(refusal([&] { validate(c); }).find("must lie [out,in]"), std::string::npos);
}

TEST(Kinds, OfOpenClipsOptionsAreCheckedAndNamed) {
  ClipConfig c = tiny_config(Text::open);
  Parameters p;
  const Clip clip(p, c);
  std::vector<std::string> names;
  for (const Parameter& parameter : p) names.push_back(parameter.name);
  const auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  for (const char* name : {"visual.transformer.resblocks.1.ls_2.gamma", "transformer.resblocks.0.ls_1.gamma",
                           "text_projection.weight", "text_projection.bias"})
    EXPECT_TRUE(has(name)) << name;
  for (const char* name : {"visual.ln_pre.weight", "text_projection"}) EXPECT_FALSE(has(name)) << name;
  c.text.causal.projection = Projection::none;
  EXPECT_NE(refusal([&] { validate(c); }).find("needs a width equal to embed_dim 12, got 20"), std::string::npos);
  c.text.causal.projection = Projection::mlp;
  EXPECT_NE(refusal([&] { validate(c); }).find("must be linear or none"), std::string::npos);
}

// Against open_clip's get_2d_sincos_pos_embed(8, 2, cls_token=True).
TEST(Kinds, OfPositionsThatAreWavesDoNotLearn) {
  ClipConfig c = tiny_config();
  c.vision.sin_cos_positions = true;
  c.vision.width = 8;
  Session s({.model = c, .device = "reference"}, nullptr);
  s.initialize(1);
  size_t at = 0;
  while (s.parameters()[at].name != "visual.positional_embedding") ++at;
  EXPECT_FALSE(s.parameters()[at].trainable);
  std::vector<float> values(40);
  s.read({.parameter = at}, values.data());
  const float sine = std::sin(1.0f), cosine = std::cos(1.0f), small = std::sin(0.01f), large = std::cos(0.01f);
  const std::vector<std::vector<float>> rows{{0, 0, 0, 0, 0, 0, 0, 0},
                                             {0, 0, 1, 1, 0, 0, 1, 1},
                                             {sine, small, cosine, large, 0, 0, 1, 1},
                                             {0, 0, 1, 1, sine, small, cosine, large},
                                             {sine, small, cosine, large, sine, small, cosine, large}};
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], rows[i / 8][i % 8], 1e-6) << i;
  c.vision.width = 10;
  EXPECT_NE(refusal([&] { validate(c); }).find("multiple of 4"), std::string::npos);
}

TEST(Slots, OfMomentsNameTheirOptimizer) {
  Session s({.model = tiny_config(), .device = "reference"}, nullptr);
  std::vector<float> values(static_cast<size_t>(s.parameters()[0].count()));
  EXPECT_NE(refusal([&] { s.read({.slot = Slot::m}, values.data()); }).find("say whose"), std::string::npos);
  EXPECT_NE(refusal([&] { s.write({.slot = Slot::v, .optimizer = 0}, values.data()); }).find("handle 0"), std::string::npos);
}

}  // namespace
}  // namespace cw::test
