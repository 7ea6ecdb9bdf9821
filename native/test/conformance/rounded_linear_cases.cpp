#include <algorithm>
#include <cmath>

#include "test/conformance/acts.h"
#include "test/conformance/conformance.h"

namespace cw::test {
namespace {

/// A weight of i8. Sums are exact; every term is a product of two roundings.
struct RoundedCase {
  int64_t t = 1, i = 1, o = 1;
  Act act = Act::none;
  bool bias = false, residual = false, pre = false, in_place = false, part = false, packed = false;
  DType type = DType::i8;

  std::string name() const {
    return "linear_i8_T" + std::to_string(t) + "_I" + std::to_string(i) + "_O" + std::to_string(o) + "_" + name_of_act(act) +
           (bias ? "_bias" : "") + (residual ? "_residual" : "") + (pre ? "_pre" : "") + (in_place ? "_in_place" : "") +
           (part ? "_part" : "") + (packed ? "_packed" : "");
  }
  void run(Rig& rig) const {
    const int64_t all = part ? o + 3 : o;
    Weight w{.master = Tensor::of(nullptr, DType::f32, all, i),
             .compute = rig.in("w", all, i, DType::i8, [&](int64_t r, int64_t c) {
               return std::clamp(std::nearbyint(normal_at("w", r, c) * 25), -63.0, 63.0);  // 7 bits, for machines without VNNI
             }),
             .scales = rig.in("scales", 1, all, DType::f32, {.mean = 0.001, .scale = 0.0003})};
    const WeightView view{.weight = &w, .first = part ? 1 : 0, .count = o};
    if (packed && part)
      rig.pack(w, {{.weight = &w, .first = 0, .count = 1}, view, {.weight = &w, .first = 1 + o, .count = 2}});
    else if (packed)
      rig.pack(w, {view});
    Linear op{.x = rig.in("x", t, i, DType::f32, {.scale = 2, .pad = 3}), .w = view, .act = act};
    const Tolerance sum{.terms = i, .roundings = 2};
    if (bias) op.b = rig.in("b", 1, all, DType::f32).col_range(0, o);
    if (in_place) {
      op.y = op.residual = rig.in_out("y", t, o, DType::f32, sum);
    } else {
      if (residual) op.residual = rig.in("residual", t, o, DType::f32, {.pad = 1});
      op.y = rig.out("y", t, o, DType::f32, sum, 2);
    }
    if (pre) op.pre = rig.out("pre", t, o, DType::f32, sum);
    rig.run(&Ops::linear, op);
  }
};

std::vector<Case> rounded_cases() {
  std::vector<RoundedCase> all;
  const Act acts[] = {Act::none, Act::gelu, Act::gelu_tanh, Act::quick_gelu};
  const int64_t sizes[][3] = {{1, 1, 1}, {5, 7, 13}, {13, 64, 5}, {64, 257, 7}, {1, 257, 64}, {50, 192, 128}, {300, 96, 130},
                              {140, 1001, 70}};
  for (const bool packed : {false, true})
    for (const auto& [t, i, o] : sizes)
      for (const int options : {0, 1, 2, 3, 4, 5})
        all.push_back({.t = t, .i = i, .o = o, .act = acts[(options + t) % 4], .bias = options % 2 == 1,
                       .residual = options == 2 || options == 3, .pre = options > 2, .in_place = options == 1 || options == 5,
                       .part = options == 4, .packed = packed});
  return make_cases(all);
}

INSTANTIATE_TEST_SUITE_P(rounded_linear, Conformance, on_all_backends(rounded_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(rounded_linear, Filler, on_all_backends(with_filler(rounded_cases())), case_name);

}  // namespace
}  // namespace cw::test
