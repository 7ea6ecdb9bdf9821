// The norm of all gradients, what is skipped for it, and the loss scale that follows from that.
#include "test/conformance/optimizer_inputs.h"

namespace cw::test {
namespace {

struct GradNormCase {
  std::vector<int64_t> counts;
  double max_norm, loss_scale;
  DType type = DType::f32;

  std::string name() const {
    std::string s = "grad_norm_segments" + std::to_string(counts.size());
    for (size_t k = 0; k < std::min<size_t>(counts.size(), 4); ++k) s.append("_").append(std::to_string(counts[k]));
    return s + "_max" + std::to_string(static_cast<int>(max_norm)) + "_scale" +
           std::to_string(static_cast<int>(loss_scale));
  }
  void run(Rig& rig) const {
    const Parameters p{.counts = counts, .type = type};
    const std::vector<Segment> segments = p.put(rig, Rule::sgd);
    // compute copies are not this op's business, and must stay as they are: NaN.
    rig.run(&Ops::grad_norm, {.segments = p.table(segments),
                              .control = put_control(rig, controls(1, 1, max_norm), {.terms = 8}),
                              .loss_scale = put_loss_scale(rig, loss_scale)});
  }
};

std::vector<Case> all_cases() {
  std::vector<GradNormCase> norms;
  for (const double max_norm : {0, 1, 1000})
    for (const double loss_scale : {1, 64}) {
      norms.push_back({{1}, max_norm, loss_scale});
      norms.push_back({{5, 257, 1, 13}, max_norm, loss_scale});
      norms.push_back({{100000, 7, 65536}, max_norm, loss_scale});
    }
  norms.push_back({many_counts(), 1, 64});
  norms.push_back({{}, 1, 1});
  return make_cases(norms);
}

INSTANTIATE_TEST_SUITE_P(grad_norm, Conformance, on_all_backends(all_cases()), case_name);

// Below, without help of the reference.

class GradNorms : public testing::TestWithParam<std::string> {};

TEST_P(GradNorms, NormOfManyGradientsEqualsLongDouble) {
  Rig rig(shared_backend(GetParam()));
  const Parameters p{.counts = {3, 70001, 4096}};
  std::vector<Segment> segments = p.put(rig, Rule::sgd);
  long double squares = 0;
  for (size_t k = 0; k < p.counts.size(); ++k)
    for (int64_t i = 0; i < p.counts[k]; ++i) {
      const long double g = static_cast<float>(normal_at("grad" + std::to_string(k), 0, i));
      squares += g * g;
    }
  const Tensor control = put_control(rig, controls(1, 1, 2), {});
  rig.run(&Ops::grad_norm, {.segments = p.table(segments), .control = control, .loss_scale = put_loss_scale(rig, 8)});
  const std::vector<double> got = rig.read(control);
  const auto norm = static_cast<double>(std::sqrt(squares) / 8);
  EXPECT_NEAR(got[at(Control::norm)], norm, norm * epsilon(DType::f32));
  EXPECT_NEAR(got[at(Control::clip)], 2 / norm / 8, 2 / norm / 8 * 2 * epsilon(DType::f32));
  EXPECT_EQ(got[at(Control::skip)], 0);
  EXPECT_EQ(got[at(Control::step)], 2);
}

TEST_P(GradNorms, ANormThatIsNotFiniteAsksToSkip) {
  for (const double bad : {std::nan(""), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    Rig rig(shared_backend(GetParam()));
    const Tensor grad = rig.in("grad", 1, 1000, DType::f32,
                               [&](int64_t, int64_t c) { return c == 777 ? bad : normal_at("grad", 0, c); });
    const Tensor value = rig.in("value", 1, 1000, DType::f32);
    const std::vector<Segment> segments{{.value = value.as<float>(), .grad = grad.as<float>(), .count = 1000}};
    const Tensor control = put_control(rig, controls(1, 1, 1), {});
    rig.run(&Ops::grad_norm, {.segments = Parameters{}.table(segments), .control = control});
    EXPECT_EQ(rig.read(control)[at(Control::skip)], 1) << bad;
    EXPECT_EQ(rig.read(control)[at(Control::step)], 1) << "a skipped step does not count";
  }
}

TEST_P(GradNorms, ALossAboveItsLimitAsksToSkip) {
  const double nan = std::nan(""), limit = 2;
  for (const auto& [loss, most, skip] : {std::array{1.5, limit, 0.0}, {2.0, limit, 0.0}, {2.5, limit, 2.0}, {nan, limit, 2.0},
                                         {2.5, 0.0, 0.0}, {nan, 0.0, 0.0}}) {
    Rig rig(shared_backend(GetParam()));
    const Tensor grad = rig.in("grad", 1, 10, DType::f32), value = rig.in("value", 1, 10, DType::f32);
    const std::vector<Segment> segments{{.value = value.as<float>(), .grad = grad.as<float>(), .count = 10}};
    auto values = controls(1, 1, 1);
    values[at(Control::max_loss)] = most;
    const Tensor control = put_control(rig, values, {});
    const Tensor given = rig.in("loss", 1, 1, DType::f32, [&](int64_t, int64_t) { return loss; });
    rig.run(&Ops::grad_norm, {.segments = Parameters{}.table(segments), .control = control, .loss = given});
    EXPECT_EQ(rig.read(control)[at(Control::skip)], skip) << loss << " of " << most;
    EXPECT_EQ(rig.read(control)[at(Control::step)], skip == 0 ? 2 : 1);
  }
}

TEST_P(GradNorms, LossScaleHalvesWhenSkippedAndDoublesAfterGoodSteps) {
  Rig rig(shared_backend(GetParam()));
  const Tensor scale = rig.in("loss_scale", 1, 2, DType::f32, [](int64_t, int64_t c) { return c == 0 ? 64.0 : 0.0; });
  const auto step = [&](bool skip) {
    auto values = controls(1, 1, 0);
    values[at(Control::skip)] = skip ? 1 : 0;
    rig.run(&Ops::update_loss_scale,
            {.control = put_control(rig, values, {}), .loss_scale = scale, .growth_interval = 3});
    return rig.read(scale);
  };
  using State = std::vector<double>;  // value, good steps
  EXPECT_EQ(step(false), (State{64, 1}));
  EXPECT_EQ(step(false), (State{64, 2}));
  EXPECT_EQ(step(true), (State{32, 0}));
  EXPECT_EQ(step(false), (State{32, 1}));
  EXPECT_EQ(step(false), (State{32, 2}));
  EXPECT_EQ(step(false), (State{64, 0}));
  for (int i = 0; i < 8; ++i) step(true);
  EXPECT_EQ(step(true), (State{1, 0})) << "not below 1";
  rig.write(scale, [](int64_t, int64_t c) { return c == 0 ? 16777216.0 : 2.0; });
  EXPECT_EQ(step(false), (State{16777216, 0})) << "not above 2^24";
}

INSTANTIATE_TEST_SUITE_P(grad_norm, GradNorms, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
