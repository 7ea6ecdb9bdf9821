// Inputs of the losses over pairs.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "test/conformance/conformance.h"

namespace cw::test {

struct Pairs {
  int64_t n, m, e;
  int64_t row_offset = 0;
  double scale = 1 / 0.07;
  DType type = DType::f32;
  int32_t groups = 0;  // how many different ones; 0: none given

  std::string name(const char* op) const {
    return std::string(op) + "_n" + std::to_string(n) + "_m" + std::to_string(m) + "_E" + std::to_string(e) +
           "_offset" + std::to_string(row_offset) + "_scale" + std::to_string(static_cast<int>(scale)) + "_" +
           name_of(type) + (groups ? "_groups" + std::to_string(groups) : "");
  }

  Tensor unit_rows(Rig& rig, const std::string& name, int64_t first, int64_t rows) const {
    std::vector<double> norms(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < e; ++i) norms[static_cast<size_t>(r)] += std::pow(normal_at(name, first + r, i), 2);
      norms[static_cast<size_t>(r)] = std::sqrt(norms[static_cast<size_t>(r)]);
    }
    return rig.in(name, rows, e, type, [&](int64_t r, int64_t c) {
      return normal_at(name, first + r, c) / norms[static_cast<size_t>(r)];
    });
  }
  template <class Op>
  void put_inputs(Rig& rig, Op& op) const {
    op.image = unit_rows(rig, "image", row_offset, n);
    op.text = unit_rows(rig, "text", 0, m);
    op.logit_scale = rig.in("logit_scale", 1, 1, DType::f32, [&](int64_t, int64_t) { return std::log(scale); });
    op.row_offset = row_offset;
    if (!groups) return;
    std::vector<int32_t> all;
    for (int64_t j = 0; j < m; ++j) all.push_back(static_cast<int32_t>(j * j % groups));
    op.groups = rig.ints("groups", all);
  }
  /// An error of the dot product becomes one of the exponential, times the scale. Few pairs carry a sum of exponentials,
  /// so that those errors do not average out.
  int64_t terms() const { return e + static_cast<int64_t>(4 * scale); }
};

/// Shapes that end tiles in every way.
std::vector<Pairs> pair_shapes();
/// A few of f32 for gradients that take the place of the images: of one tile and of several, with groups, of nothing.
std::vector<Pairs> in_place_shapes();

}  // namespace cw::test
