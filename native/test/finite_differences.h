// Every parameter's gradient against differences of the loss.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "test/tiny_model.h"

namespace cw::test {

inline void expect_finite_differences(Session& s, const Batch& batch) {
  s.forward_backward(batch);
  const auto grads = read_all(s, Slot::grad);
  const auto values = read_all(s, Slot::value);
  std::mt19937 random(11);
  for (size_t i = 0; i < values.size(); ++i) {
    SCOPED_TRACE(s.parameters()[i].name);
    // Along a direction that is half the gradient's own, so that the derivative is well above rounding.
    double norm = 0, slope = 0;
    for (const float g : grads[i]) norm += static_cast<double>(g) * g;
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 0);
    std::vector<float> direction(values[i].size());
    for (size_t j = 0; j < direction.size(); ++j) {
      const double noise = (static_cast<double>(random() % 2000) / 1000 - 1) / std::sqrt(static_cast<double>(direction.size()));
      direction[j] = static_cast<float>(grads[i][j] / norm + 0.5 * noise);
      slope += static_cast<double>(direction[j]) * grads[i][j];
    }
    const float h = 1e-3f;
    const auto loss_at = [&](float t) {
      auto moved = values[i];
      for (size_t j = 0; j < moved.size(); ++j) moved[j] += t * direction[j];
      s.write({.parameter = i}, moved.data());
      s.zero_grad();
      return static_cast<double>(s.forward_backward(batch).loss);
    };
    const double numeric = (loss_at(h) - loss_at(-h)) / (2 * static_cast<double>(h));
    EXPECT_NEAR(numeric, slope, 0.02 * std::fabs(slope) + 4e-4);
    s.write({.parameter = i}, values[i].data());
  }
}

}  // namespace cw::test
