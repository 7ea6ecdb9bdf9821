#include <array>
#include <cmath>

#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

constexpr int64_t kPlaces = 11;

/// Angles that differ in every pair of a head, at places 0 .. kPlaces; the first place does not turn.
Tensor table(Rig& rig, int64_t channels) {
  const int64_t pairs = channels / 2;
  return rig.in("table", kPlaces, channels, DType::f32, [=](int64_t place, int64_t i) {
    const double angle = static_cast<double>(place) * (0.3 + static_cast<double>(i % pairs));
    return i < pairs ? std::cos(angle) : std::sin(angle);
  });
}

std::vector<int32_t> places(int64_t rows) {
  std::vector<int32_t> all;
  for (int64_t r = 0; r < rows; ++r) all.push_back(static_cast<int32_t>(r * 7 % kPlaces));
  return all;
}

struct RotaryCase {
  int64_t t, heads, channels;
  DType type = DType::f32;
  bool backwards = false, in_place = false, rows = false;
  int64_t pad = 0, filler = 0;

  std::string name() const {
    return "rotary_" + std::to_string(t) + "x" + std::to_string(heads) + "x" + std::to_string(channels) + "_" + name_of(type) +
           (backwards ? "_backwards" : "") + (in_place ? "_in_place" : "") + (rows ? "_rows" : "") + (pad ? "_strided" : "") +
           (filler ? "_filler" : "");
  }
  void run(Rig& rig) const {
    const int64_t all = t + filler, d = heads * channels;
    const Tolerance sum{.terms = 2, .zero_past_rows = true};
    const Fill fill{.pad = pad, .real_rows = t};
    Rotary op{.x = in_place ? rig.in_out("x", all, d, type, sum, fill) : rig.in("x", all, d, type, fill),
              .table = table(rig, channels),
              .position_ids = rig.ints("position_ids", places(rows ? 3 * all : all)),
              .heads = heads,
              .backwards = backwards};
    if (rows) {
      std::vector<int32_t> at;
      for (int32_t r = 0; r < all; ++r) at.push_back(3 * r + 1);
      op.rows = rig.ints("rows", at);
    }
    op.y = in_place ? op.x : rig.out("y", all, d, type, sum, pad);
    rig.run(&Ops::rotary, op);
  }
};

std::vector<RotaryCase> all_cases() {
  std::vector<RotaryCase> all;
  for (const DType type : kActivationTypes) {
    bool odd = false;
    for (const auto& [t, heads, channels] :
         {std::array<int64_t, 3>{1, 1, 2}, {5, 3, 6}, {13, 2, 64}, {64, 1, 34}, {257, 4, 12}, {7, 24, 64}, {33, 3, 96}}) {
      for (const bool backwards : {false, true})
        all.push_back({.t = t, .heads = heads, .channels = channels, .type = type, .backwards = backwards,
                       .in_place = odd != backwards, .rows = odd, .pad = odd ? 3 : 0, .filler = odd ? 0 : 2});
      odd = !odd;
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(rotary, Conformance, on_all_backends(make_cases(all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(rotary, Filler, on_all_backends(with_filler(make_cases(all_cases()))), case_name);

Derivative rotary_derivative() {
  const int64_t t = 5, heads = 3, channels = 6, d = heads * channels;
  const auto op = [=](Rig& rig, const Tensor& x, const Tensor& y, bool backwards) {
    rig.run(&Ops::rotary, {.x = x,
                           .table = table(rig, channels),
                           .position_ids = rig.ints("position_ids", places(t)),
                           .y = y,
                           .heads = heads,
                           .backwards = backwards});
  };
  return {"rotary",
          {{"x", t, d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            op(rig, leaf[0], y, false);
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dx = rig.between("dx", t, d, DType::f32);
            op(rig, dy[0], dx, true);
            return {dx};
          }};
}

INSTANTIATE_TEST_SUITE_P(rotary, Derivatives, testing::Values(rotary_derivative()), derivative_name);

}  // namespace
}  // namespace cw::test
