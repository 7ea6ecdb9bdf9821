// Names that choose: what a table lists when it lacks one, and whose moments are asked for.
#include <gtest/gtest.h>

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
  EXPECT_EQ(refusal([] { make_pair_loss({.kind = "novel"}); }), "loss.kind: expected infonce or siglip, got novel");
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
  EXPECT_EQ(refusal([&] { validate(c); }), "[model config] vision.kind: expected vit or siglip, got novel");
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

TEST(Slots, OfMomentsNameTheirOptimizer) {
  Session s({.model = tiny_config(), .device = "reference"}, nullptr);
  std::vector<float> values(static_cast<size_t>(s.parameters()[0].count()));
  EXPECT_NE(refusal([&] { s.read({.slot = Slot::m}, values.data()); }).find("say whose"), std::string::npos);
  EXPECT_NE(refusal([&] { s.write({.slot = Slot::v, .optimizer = 0}, values.data()); }).find("handle 0"), std::string::npos);
}

}  // namespace
}  // namespace cw::test
