// What the cases of gradients' norms and of optimizers' steps are handed.
#pragma once
#include <array>
#include <cmath>

#include "test/conformance/conformance.h"

namespace cw::test {

inline constexpr auto kControls = static_cast<size_t>(Control::count);
constexpr size_t at(Control c) { return static_cast<size_t>(c); }

inline std::array<double, kControls> controls(double lr, double step, double max_norm) {
  std::array<double, kControls> values{};
  values[at(Control::lr)] = lr;
  values[at(Control::step)] = step;
  values[at(Control::max_norm)] = max_norm;
  return values;
}

inline Tensor put_control(Rig& rig, const std::array<double, kControls>& values, Tolerance tolerance) {
  const Tensor t = rig.in_out("control", 1, kControls, DType::f32, tolerance);
  rig.write(t, [&](int64_t, int64_t c) { return values[static_cast<size_t>(c)]; });
  return t;
}

/// Empty for 1, which is what a missing one means.
inline Tensor put_loss_scale(Rig& rig, double value) {
  constexpr auto kCount = static_cast<int64_t>(LossScale::count);
  if (value == 1) return {};
  return rig.in("loss_scale", 1, kCount, DType::f32, [=](int64_t, int64_t c) { return c == 0 ? value : 0; });
}

/// Segments of odd lengths; the second has settings of its own, the third no compute copy.
struct Parameters {
  std::vector<int64_t> counts{1, 257, 13, 5000};
  DType type = DType::bf16;  // of compute copies
  bool momentum = true;

  std::vector<Segment> put(Rig& rig, Rule rule) const {
    std::vector<Segment> all;
    for (size_t k = 0; k < counts.size(); ++k) {
      const std::string n = std::to_string(k);
      const int64_t count = counts[k];
      const Tolerance sum{.terms = 8};
      Segment s{.value = rig.in_out("value" + n, 1, count, DType::f32, sum).as<float>(),
                .grad = rig.in("grad" + n, 1, count, DType::f32).as<float>(),
                .count = count,
                .lr_scale = k == 1 ? 0.25f : 1.0f,
                .weight_decay = k == 1 ? 0.0f : 0.2f};
      if (needs_first_moment(rule) || momentum) s.m = rig.in_out("m" + n, 1, count, DType::f32, sum).as<float>();
      if (has_second_moment(rule)) {
        const Tensor v = rig.in_out("v" + n, 1, count, DType::f32, sum);
        rig.write(v, [&](int64_t, int64_t c) { return std::pow(normal_at("v", 0, c), 2); });
        s.v = v.as<float>();
      }
      if (k != 2) s.compute = rig.out("compute" + n, 1, count, type, sum).data;
      all.push_back(s);
    }
    return all;
  }
  Segments table(const std::vector<Segment>& items) const {
    static uint64_t version = 0;
    return {.items = items.data(), .count = static_cast<int64_t>(items.size()), .version = ++version,
            .compute_type = type};
  }
};

/// Segments empty at the ends and in a row, and of lengths around those that backends cut them into.
inline std::vector<int64_t> many_counts() {
  std::vector<int64_t> many{0, 8192, 0, 0, 8193, 1, 16385};
  for (int64_t k = 0; k < 60; ++k) many.push_back(k % 7 * 5);
  many.push_back(0);
  return many;
}

}  // namespace cw::test
