#include <gtest/gtest.h>

#include <cmath>

#include "core/dropout.h"
#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"
#include "test/conformance/packed.h"

namespace cw::test {
namespace {

enum class Place { none, x, residual };  // what y lies over

/// Rows of sequences of seven.
std::vector<int32_t> places(int64_t rows) {
  std::vector<int32_t> all;
  for (int32_t r = 0; r < rows; ++r) all.push_back(r / 7);
  for (int32_t r = 0; r < rows; ++r) all.push_back(r % 7);
  return all;
}

struct DropoutCase {
  int64_t t, d;
  DType type = DType::f32;
  float rate = 0.1f;
  bool residual = true, rows = false;
  Place place = Place::none;
  int64_t pad = 0;

  std::string name() const {
    return "dropout_" + std::to_string(t) + "x" + std::to_string(d) + "_" + name_of(type) + "_rate" +
           std::to_string(static_cast<int>(rate * 1000)) + (residual ? "_residual" : "") + (rows ? "_rows" : "") +
           (place == Place::x ? "_into_x" : place == Place::residual ? "_into_residual" : "") + (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    const Tolerance sum{.terms = 2};
    const auto given = [&](const char* name, bool over) {
      return over ? rig.in_out(name, t, d, type, sum, {.pad = pad}) : rig.in(name, t, d, type, {.pad = pad});
    };
    Dropout op{.x = given("x", place == Place::x), .drop = put_drop(rig, rate, places(rows ? 3 * t : t))};
    if (residual) op.residual = given("residual", place == Place::residual);
    if (rows) {
      std::vector<int32_t> at;
      for (int32_t r = 0; r < t; ++r) at.push_back(3 * r + 1);
      op.rows = rig.ints("rows", at);
    }
    op.y = place == Place::x ? op.x : place == Place::residual ? op.residual : rig.out("y", t, d, type, sum, pad);
    rig.run(&Ops::dropout, op);
  }
};

std::vector<DropoutCase> all_cases() {
  std::vector<DropoutCase> all;
  for (const DType type : kActivationTypes) {
    bool odd = false;
    for (const auto& [t, d] : {std::pair<int64_t, int64_t>{1, 1}, {5, 7}, {13, 64}, {64, 257}, {300, 13}, {7, 768}, {129, 8}}) {
      all.push_back({.t = t, .d = d, .type = type, .rate = odd ? 0.5f : 0.1f, .residual = odd, .pad = odd ? 3 : 0});
      odd = !odd;
    }
    for (const Place place : {Place::x, Place::residual})
      all.push_back({.t = 13, .d = 72, .type = type, .rows = true, .place = place});
    all.push_back({.t = 9, .d = 130, .type = type, .rate = 0});
    all.push_back({.t = 9, .d = 130, .type = type, .rate = 0.999f, .residual = false, .rows = true});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(dropout, Conformance, on_all_backends(make_cases(all_cases())), case_name);

Derivative dropout_derivative() {
  const int64_t t = 5, d = 13;
  return {"dropout",
          {{"x", t, d}, {"residual", t, d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            rig.run(&Ops::dropout, {.x = leaf[0], .residual = leaf[1], .y = y, .drop = put_drop(rig, 0.3f, places(t))});
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dx = rig.between("dx", t, d, DType::f32);
            rig.run(&Ops::dropout, {.x = dy[0], .y = dx, .drop = put_drop(rig, 0.3f, places(t))});
            return {dx, dy[0]};
          }};
}

INSTANTIATE_TEST_SUITE_P(dropout, Derivatives, testing::Values(dropout_derivative()), derivative_name);

/// x of ones through dropout.
std::vector<double> factors(Rig& rig, const std::string& name, int64_t t, int64_t d, const Drop& drop) {
  const Tensor x = rig.in(name + ".x", t, d, DType::f32, [](int64_t, int64_t) { return 1.0; });
  const Tensor y = rig.between(name + ".y", t, d, DType::f32);
  rig.run(&Ops::dropout, {.x = x, .y = y, .drop = drop});
  return rig.read(y);
}

class DropoutOn : public testing::TestWithParam<std::string> {};

TEST_P(DropoutOn, LeavesOutItsRateAndKeepsTheMean) {
  constexpr int64_t kRows = 256, kColumns = 1024;
  for (const float rate : {0.1f, 0.5f, 0.9f}) {
    Rig rig(shared_backend(GetParam()));
    const std::vector<double> y = factors(rig, "f", kRows, kColumns, put_drop(rig, rate, places(kRows)));
    int64_t left_out = 0, next_to = 0, below = 0;
    double sum = 0;
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      const bool out = y[static_cast<size_t>(i)] == 0;
      if (!out) {
        EXPECT_EQ(y[static_cast<size_t>(i)], dropout_scale(rate));
      }
      left_out += out;
      next_to += out && i > 0 && y[static_cast<size_t>(i - 1)] == 0;
      below += out && i >= kColumns && y[static_cast<size_t>(i - kColumns)] == 0;
      sum += y[static_cast<size_t>(i)];
    }
    // Five standard deviations of a binomial distribution; what is left out says nothing of its neighbours.
    const double n = static_cast<double>(kRows * kColumns), p = rate;
    EXPECT_NEAR(static_cast<double>(left_out), n * p, 5 * std::sqrt(n * p * (1 - p)));
    EXPECT_NEAR(static_cast<double>(next_to), n * p * p, 5 * std::sqrt(n * p * p) + 3);
    EXPECT_NEAR(static_cast<double>(below), n * p * p, 5 * std::sqrt(n * p * p) + kColumns * p * p + 3);
    EXPECT_NEAR(sum / n, 1, 5 * std::sqrt(p / (1 - p) / n));
    EXPECT_NEAR(dropout_scale(rate), 1 / (1 - p), 1e-4 / ((1 - p) * (1 - p)));
  }
}

TEST_P(DropoutOn, SeedStepSiteAndSequenceDecide) {
  Rig rig(shared_backend(GetParam()));
  const std::vector<int32_t> counter{7, 1, 5, 40};
  const auto drawn = [&](const std::string& name, const std::vector<int32_t>& words, int64_t site) {
    Drop drop = put_drop(rig, 0.5f, places(21));
    drop.draws.counter = rig.ints(name + ".counter", words);
    drop.site = site;
    return factors(rig, name, 21, 64, drop);
  };
  const std::vector<double> one = drawn("one", counter, 3);
  EXPECT_EQ(drawn("again", counter, 3), one);
  EXPECT_NE(drawn("site", counter, 4), one);
  for (size_t i = 0; i < 3; ++i) {
    std::vector<int32_t> other = counter;
    ++other[i];
    EXPECT_NE(drawn("other" + std::to_string(i), other, 3), one) << i;
  }
  // From the batch's second sequence of seven on, as a micro-batch or a rank has them.
  const std::vector<double> later = drawn("later", {7, 1, 5, 41}, 3);
  EXPECT_TRUE(std::equal(one.begin() + 7 * 64, one.end(), later.begin()));
}

INSTANTIATE_TEST_SUITE_P(all, DropoutOn, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
