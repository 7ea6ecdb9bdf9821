#include "engine/rounded_weight.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cw {

void round_weight(const Tensor& w, int levels, const Tensor& q, const Tensor& scales) {
  for (int64_t o = 0; o < w.rows; ++o) {
    const float* from = w.row<float>(o);
    auto* to = q.row<int8_t>(o);
    float most = 0;
    bool finite = true;
    for (int64_t i = 0; i < w.cols; ++i) most = std::max(most, std::fabs(from[i])), finite = finite && std::isfinite(from[i]);
    const float by = static_cast<float>(levels) / most;
    const bool rounds = finite && std::isfinite(by);  // nothing to round in a feature of zeros
    scales.as<float>()[o] = finite ? most / static_cast<float>(levels) : std::numeric_limits<float>::quiet_NaN();
    for (int64_t i = 0; i < w.cols; ++i) to[i] = rounds ? static_cast<int8_t>(std::nearbyint(from[i] * by)) : int8_t{0};
  }
}

void widen_weight(const Tensor& q, const Tensor& scales, const Tensor& w) {
  for (int64_t o = 0; o < w.rows; ++o)
    for (int64_t i = 0; i < w.cols; ++i)
      w.row<float>(o)[i] = static_cast<float>(q.row<int8_t>(o)[i]) * scales.as<float>()[o];
}

}  // namespace cw
