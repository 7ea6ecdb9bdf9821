#include <cmath>

#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

struct CastCase {
  int64_t r, c;
  DType from, to;
  int64_t pad = 0;
  DType type = from == DType::f16 || to == DType::f16 ? DType::f16 : to;

  std::string name() const {
    return "cast_" + std::to_string(r) + "x" + std::to_string(c) + "_" + name_of(from) + "_to_" + name_of(to) +
           (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    // Ordinary values, and those where rounding is special: ties, overflow, subnormals, infinities, zeros.
    const double special[] = {1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-11, 65519, 65520, 3.4e38, -3.4e38, 0x1p-24, 0x1p-25,
                              1e-40, -0.0, INFINITY, -INFINITY};
    const auto value = [&](int64_t row, int64_t col) {
      const int64_t i = row * c + col;
      return i % 3 == 1 ? special[static_cast<size_t>(i / 3) % std::size(special)] : normal_at("x", row, col);
    };
    rig.run(&Ops::cast, {.x = rig.in("x", r, c, from, value, pad), .y = rig.out("y", r, c, to, {.exact = true}, pad)});
  }
};

struct FillCase {
  int64_t r, c;
  DType type;
  float value;
  int64_t pad = 0;

  std::string name() const {
    return "fill_" + std::to_string(r) + "x" + std::to_string(c) + "_" + name_of(type) + (value == 0 ? "_zero" : "") +
           (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    rig.run(&Ops::fill, {.y = rig.out("y", r, c, type, {.exact = true}, pad), .value = value});
  }
};

struct ClampCase {
  int64_t r, c;
  bool low, high;
  int64_t pad = 0;
  DType type = DType::f32;

  std::string name() const {
    return "clamp_" + std::to_string(r) + "x" + std::to_string(c) + (low ? "_low" : "") + (high ? "_high" : "") +
           (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    Clamp op{.x = rig.in_out("x", r, c, type, {.exact = true}, {.scale = 2, .pad = pad})};
    if (low) op.low = 0;
    if (high) op.high = std::log(100.0f) / 4;
    rig.run(&Ops::clamp, op);
  }
};

struct TanhCase {
  bool grad;
  int64_t r, c;
  DType type;
  bool in_place = false;
  int64_t pad = 0;

  std::string name() const {
    return std::string(grad ? "tanh_grad_" : "tanh_") + std::to_string(r) + "x" + std::to_string(c) + "_" +
           name_of(type) + (in_place ? "_in_place" : "") + (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    // Also where tanh is ±1, and where exp(2x) would overflow.
    const auto argument = [&](int64_t row, int64_t col) {
      const double special[] = {0, -12, 12, 500, -500, 1e-3};
      const int64_t i = row * c + col;
      return i % 4 == 1 ? special[static_cast<size_t>(i / 4) % std::size(special)] : 2 * normal_at("x", row, col);
    };
    const Tolerance result{.terms = 1, .magnitude = 1};
    if (grad) {
      const Tensor y = rig.in("y", r, c, type, [&](int64_t row, int64_t col) { return std::tanh(argument(row, col)); }, pad);
      const Tensor dx = in_place ? rig.in_out("dy", r, c, type, result, {.pad = pad}) : rig.out("dx", r, c, type, result, pad);
      rig.run(&Ops::tanh_grad, {.y = y, .dy = in_place ? dx : rig.in("dy", r, c, type, {.pad = pad}), .dx = dx});
      return;
    }
    const Tensor y = in_place ? rig.in_out("x", r, c, type, result, {.scale = 2, .pad = pad}) : rig.out("y", r, c, type, result, pad);
    rig.run(&Ops::tanh, {.x = in_place ? y : rig.in("x", r, c, type, argument, pad), .y = y});
  }
};

std::vector<Case> tanh_cases() {
  std::vector<TanhCase> all;
  for (const bool grad : {false, true})
    for (const DType type : kActivationTypes) {
      all.push_back({grad, 1, 1, type});
      all.push_back({grad, 13, 64, type});
      all.push_back({grad, 13, 257, type, true});
      all.push_back({grad, 5, 7, type, false, 3});
    }
  return make_cases(all);
}

// Leaf: x.
Derivative tanh_derivative() {
  const int64_t r = 5, c = 7;
  const auto forward = [=](Rig& rig, const Tensors& leaf) -> Tensors {
    const Tensor y = rig.between("y", r, c, DType::f32);
    rig.run(&Ops::tanh, {.x = leaf[0], .y = y});
    return {y};
  };
  return {"tanh", {{"x", r, c}}, forward, [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            const Tensor y = forward(rig, leaf)[0], dx = rig.between("dx", r, c, DType::f32);
            rig.run(&Ops::tanh_grad, {.y = y, .dy = dy[0], .dx = dx});
            return {dx};
          }};
}

INSTANTIATE_TEST_SUITE_P(elements, Derivatives, testing::Values(tanh_derivative()), derivative_name);

struct RandomInitCase {
  int64_t r, c;
  RandomInit::Kind kind;
  uint64_t seed, stream;
  DType type = DType::f32;

  std::string name() const {
    return "random_init_" + std::to_string(r) + "x" + std::to_string(c) + "_" +
           (kind == RandomInit::Kind::normal ? "normal" : "uniform") + "_seed" + std::to_string(seed) + "_stream" +
           std::to_string(stream);
  }
  void run(Rig& rig) const {
    const float b = 0.3f;
    rig.run(&Ops::random_init, {.y = rig.out("y", r, c, type, {.terms = 1, .magnitude = static_cast<double>(b)}),
                                .kind = kind, .a = -0.1f, .b = b, .seed = seed, .stream = stream});
  }
};

std::vector<Case> all_cases() {
  std::vector<CastCase> casts;
  for (const DType from : kActivationTypes)
    for (const DType to : kActivationTypes) {
      casts.push_back({13, 64, from, to});
      casts.push_back({5, 7, from, to, 3});
      casts.push_back({1, 1, from, to});
      casts.push_back({64, 257, from, to});
    }
  std::vector<FillCase> fills;
  for (const DType type : kActivationTypes)
    for (const float value : {0.0f, 1.25f}) {
      fills.push_back({1, 1, type, value});
      fills.push_back({13, 257, type, value});
      fills.push_back({5, 7, type, value, 3});
    }
  std::vector<ClampCase> clamps{{1, 1, true, true}, {13, 257, true, true}, {5, 7, true, false}, {5, 7, false, true, 3}};
  std::vector<RandomInitCase> inits;
  for (const auto kind : {RandomInit::Kind::normal, RandomInit::Kind::uniform})
    for (const int64_t c : {1, 5, 7, 257}) {
      inits.push_back({1, c, kind, 1, 2});
      inits.push_back({64, c, kind, 0x123456789abcdef0u, uint64_t{1} << 40});
    }
  return make_cases(casts) + make_cases(fills) + make_cases(clamps) + make_cases(inits) + tanh_cases();
}

INSTANTIATE_TEST_SUITE_P(elements, Conformance, on_all_backends(all_cases()), case_name);

class RandomDraws : public testing::TestWithParam<std::string> {};

TEST_P(RandomDraws, HaveTheirMomentsAndDifferByStream) {
  constexpr int64_t n = 1 << 16;
  Rig rig(shared_backend(GetParam()));
  const auto draw = [&](RandomInit::Kind kind, uint64_t stream) {
    const Tensor y = rig.between("y", 1, n, DType::f32);
    rig.run(&Ops::random_init, {.y = y, .kind = kind, .a = 1, .b = 3, .seed = 7, .stream = stream});
    return rig.read(y);
  };
  const auto moments = [](const std::vector<double>& v) {
    double mean = 0, variance = 0;
    for (const double x : v) mean += x / n;
    for (const double x : v) variance += (x - mean) * (x - mean) / n;
    return std::pair(mean, variance);
  };
  const double five_deviations = 5 / std::sqrt(static_cast<double>(n));
  const std::vector<double> normal = draw(RandomInit::Kind::normal, 0), uniform = draw(RandomInit::Kind::uniform, 0);
  const auto [normal_mean, normal_variance] = moments(normal);
  EXPECT_NEAR(normal_mean, 1, 3 * five_deviations);
  EXPECT_NEAR(normal_variance, 9, 9 * std::sqrt(2.0) * five_deviations);
  const auto [uniform_mean, uniform_variance] = moments(uniform);
  EXPECT_NEAR(uniform_mean, 2, five_deviations);
  EXPECT_NEAR(uniform_variance, 4.0 / 12, five_deviations);
  for (const double x : uniform) ASSERT_TRUE(x > 1 && x < 3) << x;
  const std::vector<double> other = draw(RandomInit::Kind::normal, 1);
  double product = 0;
  for (int64_t i = 0; i < n; ++i) product += (normal[static_cast<size_t>(i)] - 1) * (other[static_cast<size_t>(i)] - 1) / n;
  EXPECT_NEAR(product, 0, 9 * five_deviations);
}

INSTANTIATE_TEST_SUITE_P(elements, RandomDraws, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
