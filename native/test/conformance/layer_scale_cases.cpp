#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

enum class Place { none, x, residual };  // what y or dx lies over; a gradient's x is its dy

struct LayerScaleCase {
  int64_t t, d;
  DType type = DType::f32;
  Place place = Place::none;
  int64_t pad = 0;

  std::string name() const {
    return "layer_scale_" + std::to_string(t) + "x" + std::to_string(d) + "_" + name_of(type) +
           (place == Place::x ? "_into_x" : place == Place::residual ? "_into_residual" : "") + (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    const Tolerance sum{.terms = 2};
    const auto given = [&](const char* name, bool over) {
      return over ? rig.in_out(name, t, d, type, sum, {.pad = pad}) : rig.in(name, t, d, type, {.pad = pad});
    };
    LayerScale op{.x = given("x", place == Place::x),
                  .residual = given("residual", place == Place::residual),
                  .gamma = rig.in("gamma", 1, d, DType::f32)};
    op.y = place == Place::x ? op.x : place == Place::residual ? op.residual : rig.out("y", t, d, type, sum, pad);
    rig.run(&Ops::layer_scale, op);
  }
};

struct LayerScaleGradCase {
  int64_t t, d;
  DType type = DType::f32;
  bool gamma = true, sum = true, accumulate = false, in_place = false;
  int64_t pad = 0, filler = 0;

  std::string name() const {
    return "layer_scale_grad_" + std::to_string(t) + "x" + std::to_string(d) + "_" + name_of(type) +
           (gamma ? "_gamma" : "") + (sum ? "_sum" : "") + (accumulate ? "_accumulate" : "") +
           (in_place ? "_in_place" : "") + (pad ? "_strided" : "") + (filler ? "_filler" : "");
  }
  void run(Rig& rig) const {
    const int64_t rows = t + filler;
    const Tolerance product{.terms = 1, .zero_past_rows = true};
    const Fill gradient{.pad = pad, .real_rows = t};
    LayerScaleGrad op{.x = rig.in("x", rows, d, type, {.pad = pad}),
                      .dy = in_place ? rig.in_out("dy", rows, d, type, product, gradient)
                                     : rig.in("dy", rows, d, type, gradient),
                      .gamma = rig.in("gamma", 1, d, DType::f32),
                      .accumulate = accumulate};
    op.dx = in_place ? op.dy : rig.out("dx", rows, d, type, product, pad);
    if (gamma) op.dgamma = rig.sum("dgamma", 1, d, {.terms = t}, accumulate);
    if (sum) op.dx_sum = rig.sum("dx_sum", 1, d, {.terms = t, .roundings = 1, .storage = type}, accumulate);
    rig.run(&Ops::layer_scale_grad, op);
  }
};

std::vector<Case> all_cases() {
  std::vector<LayerScaleCase> forward;
  std::vector<LayerScaleGradCase> backward;
  for (const DType type : kActivationTypes) {
    bool odd = false;
    for (const auto& [t, d] : {std::pair<int64_t, int64_t>{1, 1}, {5, 7}, {13, 64}, {64, 257}, {300, 13}, {7, 768}, {129, 1}}) {
      forward.push_back({.t = t, .d = d, .type = type, .pad = odd ? 3 : 0});
      backward.push_back({.t = t, .d = d, .type = type, .accumulate = odd, .pad = odd ? 3 : 0});
      odd = !odd;
    }
    for (const Place place : {Place::x, Place::residual}) forward.push_back({.t = 13, .d = 72, .type = type, .place = place});
    for (const bool gamma : {false, true})
      for (const bool sum : {false, true})
        backward.push_back({.t = 65, .d = 264, .type = type, .gamma = gamma, .sum = sum, .in_place = gamma != sum, .filler = 3});
  }
  return make_cases(forward) + make_cases(backward);
}

INSTANTIATE_TEST_SUITE_P(layer_scale, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(layer_scale, Filler, on_all_backends(with_filler(all_cases())), case_name);

Derivative layer_scale_derivative() {
  const int64_t t = 5, d = 13;
  return {"layer_scale",
          {{"x", t, d}, {"residual", t, d}, {"gamma", 1, d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            rig.run(&Ops::layer_scale, {.x = leaf[0], .residual = leaf[1], .gamma = leaf[2], .y = y});
            return {y};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            const Tensor dx = rig.between("dx", t, d, DType::f32), dgamma = rig.between("dgamma", 1, d, DType::f32);
            rig.run(&Ops::layer_scale_grad,
                    {.x = leaf[0], .dy = dy[0], .gamma = leaf[2], .dx = dx, .dgamma = dgamma});
            return {dx, dy[0], dgamma};
          }};
}

INSTANTIATE_TEST_SUITE_P(layer_scale, Derivatives, testing::Values(layer_scale_derivative()), derivative_name);

}  // namespace
}  // namespace cw::test
