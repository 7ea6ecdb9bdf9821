#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

/// Gate and x, and their gradients, are the halves of one matrix, as a product gives them.
struct SwigluCase {
  int64_t t, d;
  DType type = DType::f32;
  double scale = 1;  // of the gates
  int64_t pad = 0, filler = 0;

  std::string name() const {
    return "swiglu_" + std::to_string(t) + "x" + std::to_string(d) + "_" + name_of(type) + (scale > 1 ? "_far" : "") +
           (pad ? "_strided" : "") + (filler ? "_filler" : "");
  }
  void run(Rig& rig) const {
    const int64_t rows = t + filler;
    const Tensor both = rig.in("both", rows, 2 * d, type, {.scale = scale, .pad = pad, .real_rows = t});
    rig.run(&Ops::swiglu, {.gate = both.col_range(0, d),
                           .x = both.col_range(d, d),
                           .y = rig.out("y", rows, d, type, {.terms = 4, .zero_past_rows = true}, pad)});
  }
};

struct SwigluGradCase {
  int64_t t, d;
  DType type = DType::f32;
  double scale = 1;
  int64_t pad = 0, filler = 0;

  std::string name() const {
    return "swiglu_grad_" + std::to_string(t) + "x" + std::to_string(d) + "_" + name_of(type) + (scale > 1 ? "_far" : "") +
           (pad ? "_strided" : "") + (filler ? "_filler" : "");
  }
  void run(Rig& rig) const {
    const int64_t rows = t + filler;
    const Fill fill{.scale = scale, .pad = pad, .real_rows = t}, gradient{.pad = pad, .real_rows = t};
    const Tensor both = rig.in("both", rows, 2 * d, type, fill);
    const Tensor dboth = rig.out("dboth", rows, 2 * d, type, {.terms = 8, .zero_past_rows = true}, pad);
    rig.run(&Ops::swiglu_grad, {.gate = both.col_range(0, d),
                                .x = both.col_range(d, d),
                                .dy = rig.in("dy", rows, d, type, gradient),
                                .dgate = dboth.col_range(0, d),
                                .dx = dboth.col_range(d, d)});
  }
};

std::vector<Case> all_cases() {
  std::vector<SwigluCase> forward;
  std::vector<SwigluGradCase> backward;
  for (const DType type : kActivationTypes) {
    bool odd = false;
    for (const auto& [t, d] : {std::pair<int64_t, int64_t>{1, 1}, {5, 7}, {13, 64}, {64, 257}, {300, 13}, {7, 2730}, {129, 8}}) {
      forward.push_back({.t = t, .d = d, .type = type, .pad = odd ? 3 : 0, .filler = odd ? 2 : 0});
      backward.push_back({.t = t, .d = d, .type = type, .pad = odd ? 3 : 0, .filler = odd ? 2 : 0});
      odd = !odd;
    }
    forward.push_back({.t = 33, .d = 72, .type = type, .scale = 40});  // where gates are shut or wide open
    backward.push_back({.t = 33, .d = 72, .type = type, .scale = 40});
  }
  return make_cases(forward) + make_cases(backward);
}

INSTANTIATE_TEST_SUITE_P(swiglu, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(swiglu, Filler, on_all_backends(with_filler(all_cases())), case_name);

Derivative swiglu_derivative() {
  const int64_t t = 5, d = 13;
  return {"swiglu",
          {{"gate", t, d}, {"x", t, d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            rig.run(&Ops::swiglu, {.gate = leaf[0], .x = leaf[1], .y = y});
            return {y};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            const Tensor dgate = rig.between("dgate", t, d, DType::f32), dx = rig.between("dx", t, d, DType::f32);
            rig.run(&Ops::swiglu_grad, {.gate = leaf[0], .x = leaf[1], .dy = dy[0], .dgate = dgate, .dx = dx});
            return {dgate, dx};
          }};
}

INSTANTIATE_TEST_SUITE_P(swiglu, Derivatives, testing::Values(swiglu_derivative()), derivative_name);

}  // namespace
}  // namespace cw::test
