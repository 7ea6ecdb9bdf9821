#include <cmath>

#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

constexpr int64_t kShapes[][2] = {{1, 1}, {5, 7}, {13, 64}, {64, 257}, {257, 13}, {7, 768}, {64, 1}, {1, 257}};

std::string shape_name(const std::string& op, int64_t rows, int64_t cols) {
  return op + "_" + std::to_string(rows) + "x" + std::to_string(cols);
}

struct LayerNormCase {
  int64_t t, d;
  DType type = DType::f32;
  bool statistics = true;
  bool constant = false;  // rows without variance: rstd = 1/sqrt(eps)
  int64_t pad = 0, filler = 0;
  bool residual = false, into_residual = false;

  std::string name() const {
    return shape_name("layer_norm", t, d) + "_" + name_of(type) + (statistics ? "_statistics" : "") +
           (constant ? "_constant" : "") + (pad ? "_strided" : "") + (filler ? "_filler" : "") + (residual ? "_residual" : "") +
           (into_residual ? "_into_it" : "");
  }
  void run(Rig& rig) const {
    const int64_t rows = t + filler;
    const Tolerance row_sum{.terms = d};
    LayerNorm op{.x = rig.in("x", rows, d, type, {.mean = 2, .scale = constant ? 0.0 : 1.0, .pad = pad}),
                 .gamma = rig.in("gamma", 1, d, DType::f32, {.mean = 1}),
                 .beta = rig.in("beta", 1, d, DType::f32)};
    if (residual)
      op.residual = into_residual ? rig.in_out("residual", rows, d, type, row_sum, {.pad = pad})
                                  : rig.in("residual", rows, d, type, {.pad = pad});
    op.y = into_residual ? op.residual : rig.out("y", rows, d, type, row_sum, pad);
    if (statistics) {
      op.mean = rig.out("mean", 1, rows, DType::f32, {.terms = d});
      op.rstd = rig.out("rstd", 1, rows, DType::f32, {.terms = d});
    }
    rig.run(&Ops::layer_norm, op);
  }
};

enum class Alias { none, residual, dy };

struct LayerNormGradCase {
  int64_t t, d;
  DType type = DType::f32;
  bool residual = true, parameters = true, accumulate = false;
  Alias alias = Alias::none;
  int64_t pad = 0, filler = 0;
  bool sum = false;

  std::string name() const {
    return shape_name("layer_norm_grad", t, d) + "_" + name_of(type) + (residual ? "_residual" : "") +
           (parameters ? "_parameters" : "") + (accumulate ? "_accumulate" : "") +
           (alias == Alias::residual ? "_into_residual" : alias == Alias::dy ? "_into_dy" : "") +
           (pad ? "_strided" : "") + (filler ? "_filler" : "") + (sum ? "_sum" : "");
  }
  void run(Rig& rig) const {
    const int64_t rows = t + filler;
    const Tolerance row_sum{.terms = d, .zero_past_rows = true};
    LayerNormGrad op{.x = rig.in("x", rows, d, type, {.mean = 2, .pad = pad}),
                     .gamma = rig.in("gamma", 1, d, DType::f32, {.mean = 1}),
                     .mean = rig.in("mean", 1, rows, DType::f32, {.mean = 2, .scale = 0.1}),
                     .rstd = rig.in("rstd", 1, rows, DType::f32, {.mean = 1, .scale = 0.1}),
                     .accumulate = accumulate};
    const Fill gradient{.pad = pad, .real_rows = t};
    op.dy = alias == Alias::dy ? rig.in_out("dy", rows, d, type, row_sum, gradient)
                               : rig.in("dy", rows, d, type, gradient);
    if (alias == Alias::residual)
      op.residual = rig.in_out("residual", rows, d, type, row_sum, gradient);
    else if (residual)
      op.residual = rig.in("residual", rows, d, type, gradient);
    op.dx = alias == Alias::dy         ? op.dy
            : alias == Alias::residual ? op.residual
                                       : rig.out("dx", rows, d, type, row_sum, pad);
    if (parameters) {
      op.dgamma = rig.sum("dgamma", 1, d, {.terms = t}, accumulate);
      op.dbeta = rig.sum("dbeta", 1, d, {.terms = t}, accumulate);
    }
    if (sum) op.dx_sum = rig.sum("dx_sum", 1, d, {.terms = t + d, .roundings = 1, .storage = type}, accumulate);
    rig.run(&Ops::layer_norm_grad, op);
  }
};

struct L2NormalizeCase {
  int64_t r, e;
  bool zero = false, inv_norm = true, in_place = false;
  int64_t pad = 0;
  DType type = DType::f32;

  std::string name() const {
    return shape_name("l2_normalize", r, e) + (zero ? "_zero" : "") + (inv_norm ? "_inv_norm" : "") +
           (in_place ? "_in_place" : "") + (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    const Fill fill{.scale = zero ? 0.0 : 3.0, .pad = pad};
    const Tolerance sum{.terms = e};
    L2Normalize op;
    op.x = in_place ? rig.in_out("x", r, e, type, sum, fill) : rig.in("x", r, e, type, fill);
    op.y = in_place ? op.x : rig.out("y", r, e, type, sum, pad);
    if (inv_norm) op.inv_norm = rig.out("inv_norm", 1, r, type, sum);
    rig.run(&Ops::l2_normalize, op);
  }
};

struct L2NormalizeGradCase {
  int64_t r, e;
  bool in_place = false;
  int64_t pad = 0;
  DType type = DType::f32;

  std::string name() const {
    return shape_name("l2_normalize_grad", r, e) + (in_place ? "_in_place" : "") + (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    std::vector<double> squares(static_cast<size_t>(r));
    for (int64_t row = 0; row < r; ++row)
      for (int64_t i = 0; i < e; ++i) squares[static_cast<size_t>(row)] += std::pow(normal_at("y", row, i), 2);
    const auto unit = [&](int64_t row, int64_t col) {
      return normal_at("y", row, col) / std::sqrt(squares[static_cast<size_t>(row)]);
    };
    // In one dimension the terms of size |dy|·inv_norm cancel to nothing.
    const Tolerance sum{.terms = e, .magnitude = 1};
    L2NormalizeGrad op{.y = rig.in("y", r, e, type, unit, pad),
                       .inv_norm = rig.in("inv_norm", 1, r, type, {.mean = 1, .scale = 0.1})};
    op.dy = in_place ? rig.in_out("dy", r, e, type, sum, {.pad = pad}) : rig.in("dy", r, e, type, {.pad = pad});
    op.dx = in_place ? op.dy : rig.out("dx", r, e, type, sum, pad);
    rig.run(&Ops::l2_normalize_grad, op);
  }
};

std::vector<Case> all_cases() {
  std::vector<LayerNormCase> forward;
  std::vector<LayerNormGradCase> backward;
  for (const DType type : kActivationTypes) {
    bool odd = false;
    for (const auto& [t, d] : kShapes) {
      forward.push_back({.t = t, .d = d, .type = type, .statistics = odd});
      backward.push_back({.t = t, .d = d, .type = type, .residual = odd, .accumulate = !odd});
      odd = !odd;
    }
    // Widths of CLIP's larger towers, and what backends may treat as wide.
    for (const int64_t d : {1024, 1280, 1288, 4096}) {
      forward.push_back({.t = 2, .d = d, .type = type});
      backward.push_back({.t = 9, .d = d, .type = type, .accumulate = d == 1280});
    }
    backward.push_back({.t = 7, .d = 4104, .type = type, .accumulate = true});
    backward.push_back({.t = 7, .d = 4099, .type = type, .residual = false, .pad = 1});
    forward.push_back({.t = 5, .d = 64, .type = type, .constant = true});
    forward.push_back({.t = 13, .d = 64, .type = type, .pad = 5});
    forward.push_back({.t = 13, .d = 13, .type = type, .pad = 1, .filler = 3});
    for (const int64_t d : {64, 257, 4104}) {
      forward.push_back({.t = 7, .d = d, .type = type, .residual = true});
      forward.push_back({.t = 7, .d = d, .type = type, .pad = d % 2, .residual = true, .into_residual = true});
    }
    for (const Alias alias : {Alias::none, Alias::residual, Alias::dy})
      for (const bool parameters : {false, true})
        for (const bool residual : {false, true})
          if (alias != Alias::residual || residual)
            backward.push_back({.t = 64, .d = 96, .type = type, .residual = residual, .parameters = parameters,
                                .alias = alias});
    for (const bool parameters : {false, true})
      for (const bool accumulate : {false, true})
        for (const int64_t d : {13, 257, 4104})
          backward.push_back({.t = d == 4104 ? 9 : 65, .d = d, .type = type, .parameters = parameters,
                              .accumulate = accumulate, .pad = d % 2, .filler = 3, .sum = true});
    for (const Alias alias : {Alias::residual, Alias::dy})
      backward.push_back({.t = 300, .d = 768, .type = type, .alias = alias, .sum = true});
    backward.push_back({.t = 257, .d = 64, .type = type, .accumulate = true, .pad = 7, .filler = 6});
    backward.push_back({.t = 5, .d = 13, .type = type, .alias = Alias::residual, .pad = 1, .filler = 2});
  }

  std::vector<L2NormalizeCase> normalize;
  std::vector<L2NormalizeGradCase> normalize_grad;
  for (const auto& [r, e] : kShapes) {
    normalize.push_back({.r = r, .e = e});
    normalize_grad.push_back({.r = r, .e = e});
  }
  normalize.push_back({.r = 5, .e = 13, .zero = true});
  normalize.push_back({.r = 13, .e = 64, .inv_norm = false, .pad = 3});
  normalize.push_back({.r = 13, .e = 64, .in_place = true});
  normalize_grad.push_back({.r = 13, .e = 64, .in_place = true});
  normalize_grad.push_back({.r = 13, .e = 65, .pad = 3});
  return make_cases(forward) + make_cases(backward) + make_cases(normalize) + make_cases(normalize_grad);
}

INSTANTIATE_TEST_SUITE_P(norms, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(norms, Filler, on_all_backends(with_filler(all_cases())), case_name);

// Leaves: x, gamma, beta; y = LayerNorm(x) + x, so that the residual's way is part of it.
Derivative layer_norm_derivative() {
  const int64_t t = 5, d = 13;
  return {"layer_norm",
          {{"x", t, d}, {"gamma", 1, d, 1, 1}, {"beta", 1, d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            rig.run(&Ops::layer_norm, {.x = leaf[0], .gamma = leaf[1], .beta = leaf[2], .y = y});
            return {y, leaf[0]};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            const Tensor y = rig.between("y", t, d, DType::f32);
            const Tensor mean = rig.between("mean", 1, t, DType::f32), rstd = rig.between("rstd", 1, t, DType::f32);
            rig.run(&Ops::layer_norm,
                    {.x = leaf[0], .gamma = leaf[1], .beta = leaf[2], .y = y, .mean = mean, .rstd = rstd});
            const Tensor dx = rig.between("dx", t, d, DType::f32);
            const Tensor dgamma = rig.between("dgamma", 1, d, DType::f32), dbeta = rig.between("dbeta", 1, d, DType::f32);
            rig.run(&Ops::layer_norm_grad, {.x = leaf[0], .gamma = leaf[1], .mean = mean, .rstd = rstd, .dy = dy[0],
                                            .residual = dy[1], .dx = dx, .dgamma = dgamma, .dbeta = dbeta});
            return {dx, dgamma, dbeta};
          }};
}

Derivative l2_normalize_derivative() {
  const int64_t r = 5, e = 7;
  return {"l2_normalize",
          {{"x", r, e}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", r, e, DType::f32);
            rig.run(&Ops::l2_normalize, {.x = leaf[0], .y = y});
            return {y};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            const Tensor y = rig.between("y", r, e, DType::f32), inv_norm = rig.between("inv_norm", 1, r, DType::f32);
            const Tensor dx = rig.between("dx", r, e, DType::f32);
            rig.run(&Ops::l2_normalize, {.x = leaf[0], .y = y, .inv_norm = inv_norm});
            rig.run(&Ops::l2_normalize_grad, {.y = y, .inv_norm = inv_norm, .dy = dy[0], .dx = dx});
            return {dx};
          }};
}

INSTANTIATE_TEST_SUITE_P(norms, Derivatives, testing::Values(layer_norm_derivative(), l2_normalize_derivative()),
                         derivative_name);

}  // namespace
}  // namespace cw::test
