#include "test/conformance/derivative.h"

#include <cmath>

#include "test/conformance/conformance.h"

namespace cw::test {
namespace {

using Values = std::vector<double>;

constexpr int kDirections = 3;
constexpr double kStep = 0x1p-6;
// Points and steps lie on a grid so coarse that a point plus two steps is exact in f32.
constexpr double kGrid = 0x1p-14;

double on_grid(double x) { return std::round(x / kGrid) * kGrid; }

Values values_of(const Leaf& leaf) {
  Values v;
  for (int64_t r = 0; r < leaf.rows; ++r)
    for (int64_t c = 0; c < leaf.cols; ++c)
      v.push_back(on_grid(leaf.mean + leaf.scale * normal_at("leaf " + leaf.name, r, c)));
  return v;
}

/// One step along a random direction: about kStep times the leaf's scale in each element.
Values step_of(const Leaf& leaf, int direction) {
  Values v;
  for (int64_t i = 0; i < leaf.rows * leaf.cols; ++i)
    v.push_back(on_grid(kStep * leaf.scale * normal_at("direction " + leaf.name, direction, i)));
  return v;
}

Tensor put(Rig& rig, const std::string& name, const Tensor& shape, const Values& v) {
  return rig.in(name, shape.rows, shape.cols, DType::f32,
                [&](int64_t r, int64_t c) { return v[static_cast<size_t>(r * shape.cols + c)]; });
}

Tensors put_leaves(Rig& rig, const Derivative& d, const std::vector<Values>& values) {
  Tensors tensors;
  for (size_t i = 0; i < values.size(); ++i)
    tensors.push_back(put(rig, d.leaves[i].name, {.rows = d.leaves[i].rows, .cols = d.leaves[i].cols}, values[i]));
  return tensors;
}

/// Σ weight·output with fixed random weights, and how far f32 outputs may be from exact ones in it.
struct Functional {
  double value = 0, noise = 0;
};

double weight_of(size_t output, int64_t i) { return normal_at("output weight", static_cast<int64_t>(output), i); }

Functional evaluate(const Derivative& d, const std::vector<Values>& values) {
  Rig rig(shared_backend("reference"));
  const Tensors outputs = d.forward(rig, put_leaves(rig, d, values));
  Functional f;
  double squares = 0;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Values y = rig.read(outputs[k]);
    for (size_t i = 0; i < y.size(); ++i) {
      const double term = weight_of(k, static_cast<int64_t>(i)) * y[i];
      f.value += term;
      squares += term * term;
    }
  }
  f.noise = epsilon(DType::f32) * std::sqrt(squares);
  return f;
}

/// Gradients in the order of the leaves.
std::vector<Values> gradients(const Derivative& d, const std::vector<Values>& values) {
  Rig rig(shared_backend("reference"));
  const Tensors leaves = put_leaves(rig, d, values), outputs = d.forward(rig, leaves);
  Tensors weights;
  for (size_t k = 0; k < outputs.size(); ++k) {
    Values w;
    for (int64_t i = 0; i < outputs[k].count(); ++i) w.push_back(weight_of(k, i));
    weights.push_back(put(rig, "output weight", outputs[k], w));
  }
  std::vector<Values> all;
  for (const Tensor& t : d.backward(rig, leaves, weights)) all.push_back(rig.read(t));
  rig.results();  // guards and inputs
  return all;
}

}  // namespace

std::string derivative_name(const testing::TestParamInfo<Derivative>& info) { return info.param.name; }
void PrintTo(const Derivative& d, std::ostream* os) { *os << d.name; }

TEST_P(Derivatives, MatchDifferences) {
  const Derivative& d = GetParam();
  std::vector<Values> values;
  for (const Leaf& leaf : d.leaves) values.push_back(values_of(leaf));
  const std::vector<Values> gradient = gradients(d, values);
  ASSERT_EQ(gradient.size(), d.leaves.size());

  for (size_t k = 0; k < d.leaves.size(); ++k)
    for (int direction = 0; direction < kDirections; ++direction) {
      const Values step = step_of(d.leaves[k], direction);
      double along = 0, squares = 0;  // gradient·step, and what a random step gives on average
      for (size_t i = 0; i < step.size(); ++i) {
        along += gradient[k][i] * step[i];
        squares += gradient[k][i] * gradient[k][i] * step[i] * step[i];
      }
      double noise = 0;
      const auto at = [&](double steps) {
        std::vector<Values> moved = values;
        for (size_t i = 0; i < step.size(); ++i) moved[k][i] += steps * step[i];
        const Functional f = evaluate(d, moved);
        noise = std::max(noise, f.noise);
        return f.value;
      };
      const double one = (at(1) - at(-1)) / 2, two = (at(2) - at(-2)) / 4;
      const double difference = (4 * one - two) / 3;  // Richardson: the error is of fourth order in the step
      // |difference - one| is the error of second order, which is larger; noise enters some times over.
      const double most = std::abs(difference - one) / 4 + 8 * noise;
      EXPECT_NEAR(along, difference, most) << d.leaves[k].name << ", direction " << direction;
      EXPECT_LT(most, 0.01 * std::sqrt(squares)) << d.leaves[k].name << ": too coarse to tell";
    }
}

}  // namespace cw::test
