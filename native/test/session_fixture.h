// A session on each backend and with each kind of text tower, and how its numbers are compared.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "test/backends.h"
#include "test/tiny_model.h"

namespace cw::test {

class SessionTest : public testing::TestWithParam<std::tuple<std::string, Text>> {
 protected:
  static std::string device() { return std::get<0>(GetParam()); }
  static Text text() { return std::get<1>(GetParam()); }
  static ClipConfig config() { return tiny_config(text()); }
  Session make(DType precision = DType::f32) {
    return Session({.model = config(), .device = device(), .precision = precision, .threads = 2}, &stop_);
  }
  std::atomic<bool> stop_{false};
};

/// A loss scale under which no gradient of these small models and batches overflows.
inline constexpr float kFits = 512;

/// Largest difference as a share of the tensor's largest value, or of 1e-3: the keys' bias has no gradient in exact
/// arithmetic, what is there is rounding.
inline double worst_share(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double largest = 1e-3, difference = 0;
    for (size_t j = 0; j < a[i].size(); ++j) {
      largest = std::max(largest, std::fabs(static_cast<double>(a[i][j])));
      difference = std::max(difference, std::fabs(static_cast<double>(a[i][j]) - b[i][j]));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

/// How far gradients may be apart, as worst_share, that are the same sums in another order: kernels take terms as a product's shape and
/// the processor's vectors have it (2.5e-5 with AVX2).
inline double other_order(const Session& s) { return s.concurrent() ? 1e-4 : 5e-5; }

inline std::string test_name(const testing::TestParamInfo<SessionTest::ParamType>& info) {
  return as_test_name(std::get<0>(info.param)) + "_" + name_of(std::get<1>(info.param));
}
template <class... Texts>
auto on_backends(Texts... texts) {
  return testing::Combine(testing::ValuesIn(tested_backends()), testing::Values(texts...));
}

}  // namespace cw::test
