#include <algorithm>
#include <cmath>
#include <optional>

#include "test/conformance/derivative.h"
#include "test/conformance/pairs.h"

namespace cw::test {
namespace {

struct SigmoidPairs : Pairs {
  std::optional<double> bias = -10;
  bool accumulate = false;
  double loss_scale = 1;  // 1: none given
  bool in_place = false;  // of gradients

  std::string name(const char* op) const {
    return Pairs::name(op) + (bias ? "_bias" + std::to_string(static_cast<int>(std::fabs(*bias))) : "") +
           (accumulate ? "_accumulate" : "") + (in_place ? "_in_place" : "") + (loss_scale == 1 ? "" : "_times" + std::to_string(static_cast<int>(loss_scale)));
  }
  float weight() const { return 1 / static_cast<float>(m); }
  template <class Op>
  void put(Rig& rig, Op& op) const {
    put_inputs(rig, op);
    op.weight = weight();
    op.accumulate = accumulate;
    if (bias) op.logit_bias = rig.in("logit_bias", 1, 1, DType::f32, [&](int64_t, int64_t) { return *bias; });
  }
  /// A logit's error is at most that of its sum; the losses of all pairs add up.
  Tolerance loss_tolerance() const {
    const double logit = scale + std::fabs(bias.value_or(0));
    return {.terms = e, .magnitude = static_cast<double>(weight()) * static_cast<double>(n) * (logit + static_cast<double>(m) * 0.01)};
  }
};

struct SigmoidLossCase : SigmoidPairs {
  std::string name() const { return SigmoidPairs::name("sigmoid_loss"); }
  void run(Rig& rig) const {
    SigmoidLoss op;
    put(rig, op);
    op.loss = rig.sum("loss", 1, 1, loss_tolerance(), accumulate);
    rig.run(&Ops::sigmoid_loss, op);
  }
};

struct SigmoidLossGradCase : SigmoidPairs {
  std::string name() const { return SigmoidPairs::name("sigmoid_loss_grad"); }
  void run(Rig& rig) const {
    SigmoidLossGrad op;
    put(rig, op);
    if (loss_scale != 1)
      op.loss_scale = rig.in("loss_scale", 1, 2, DType::f32, [&](int64_t, int64_t c) { return c == 0 ? loss_scale : 7; });
    // One pair's part is at most weight·scale·|feature|. Those that weigh a half or more, whose logits reach beyond the bias,
    // each bring a rounding of their own: products of unit rows are nearly normal, with a variance of 1/E.
    const double reach = std::erfc(-bias.value_or(0) / scale * std::sqrt(static_cast<double>(e) / 2)) / 2;
    const double heavy = std::max(1.0, reach * static_cast<double>(m));
    const double part = static_cast<double>(weight()) * scale * loss_scale * std::sqrt(heavy);
    const Tolerance features{.terms = terms() + m, .roundings = 1, .storage = type,
                             .magnitude = part / std::sqrt(static_cast<double>(e))};
    op.dimage = in_place ? rig.over(op.image, features) : rig.out("dimage", n, e, DType::f32, features);
    op.dtext = rig.out("dtext", m, e, DType::f32, features);
    const Tolerance sum{.terms = terms() + m, .magnitude = part * static_cast<double>(n)};
    op.dlogit_scale = rig.sum("dlogit_scale", 1, 1, sum, accumulate);
    if (bias)
      op.dlogit_bias = rig.sum("dlogit_bias", 1, 1, {.terms = terms() + m, .magnitude = sum.magnitude / scale}, accumulate);
    if (!accumulate) op.loss = rig.out("loss", 1, 1, DType::f32, loss_tolerance());
    rig.run(&Ops::sigmoid_loss_grad, op);
  }
};

/// Pairs that cost next to nothing, as most do once a model has learned: with a bias so low rounding 1 + exp(logit) would
/// lose all that the loss and the gradients hold.
struct SigmoidSmallCase {
  DType type;

  std::string name() const { return std::string("sigmoid_loss_grad_small_") + name_of(type); }
  void run(Rig& rig) const {
    constexpr int64_t n = 16, m = 80, e = 32, row_offset = 8;
    constexpr double kBias = -17, kSmall = 4.1e-8;  // exp(-17)
    const auto own = [](int64_t j) { return j >= row_offset && j < row_offset + n; };
    const auto feature = [](const char* name, int64_t r, int64_t c) { return normal_at(name, r, c) / std::sqrt(32.0); };
    SigmoidLossGrad op{.weight = 1, .row_offset = row_offset};
    op.image = rig.in("image", n, e, type, [&](int64_t r, int64_t c) { return feature("image", r, c); });
    op.text = rig.in("text", m, e, type, [&](int64_t r, int64_t c) { return own(r) ? 0 : feature("text", r, c); });
    op.logit_scale = rig.in("logit_scale", 1, 1, DType::f32, [](int64_t, int64_t) { return 0.0; });
    op.logit_bias = rig.in("logit_bias", 1, 1, DType::f32, [&](int64_t, int64_t) { return kBias; });
    // Own pairs' texts are zeros: dimage holds the others' parts alone.
    op.dimage = rig.out("dimage", n, e, DType::f32, {.terms = e + m, .roundings = 1, .storage = type});
    op.dtext = rig.out("dtext", m, e, DType::f32, {.terms = e + m, .roundings = 1, .storage = type});
    op.dlogit_scale = rig.out("dlogit_scale", 1, 1, DType::f32, {.terms = e + m, .magnitude = n * m * kSmall});
    op.dlogit_bias = rig.out("dlogit_bias", 1, 1, DType::f32, {.terms = e + m, .magnitude = n});
    rig.run(&Ops::sigmoid_loss_grad, op);
  }
};

/// The same for the loss: own pairs cost nothing at all, with logits of 100 - 17.
struct SigmoidSmallLossCase {
  DType type;

  std::string name() const { return std::string("sigmoid_loss_small_") + name_of(type); }
  void run(Rig& rig) const {
    constexpr int64_t n = 24, m = 80, e = 32;
    const auto feature = [](const char* name, int64_t r, int64_t c) {
      return c == 0 ? 0.0 : normal_at(name, r, c) / 320;
    };
    SigmoidLoss op{.weight = 1};
    op.image = rig.in("image", n, e, type, [&](int64_t r, int64_t c) { return c == r ? 1.0 : feature("image", r, c); });
    op.text = rig.in("text", m, e, type, [&](int64_t r, int64_t c) { return c == r ? 1.0 : r < n ? 0.0 : feature("text", r, c); });
    op.logit_scale = rig.in("logit_scale", 1, 1, DType::f32, [](int64_t, int64_t) { return std::log(100.0); });
    op.logit_bias = rig.in("logit_bias", 1, 1, DType::f32, [](int64_t, int64_t) { return -17.0; });
    op.loss = rig.out("loss", 1, 1, DType::f32, {.terms = 4 * (e + 100)});
    rig.run(&Ops::sigmoid_loss, op);
    const auto between = [&](const char* name, const Tensor& like) { return rig.between(name, like.rows, like.cols, DType::f32); };
    rig.run(&Ops::sigmoid_loss_grad,
            {.image = op.image, .text = op.text, .logit_scale = op.logit_scale, .logit_bias = op.logit_bias,
             .loss = rig.out("loss beside gradients", 1, 1, DType::f32, {.terms = 4 * (e + 100)}),
             .dimage = between("dimage", op.image), .dtext = between("dtext", op.text),
             .dlogit_scale = between("dlogit_scale", op.logit_scale), .dlogit_bias = between("dlogit_bias", op.logit_bias),
             .weight = 1});
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  bool odd = false;
  const auto put = [&](const SigmoidPairs& p) {
    cases.push_back(make_case(SigmoidLossCase{p}));
    cases.push_back(make_case(SigmoidLossGradCase{p}));
  };
  for (const Pairs& p : pair_shapes()) {
    put({p, odd ? std::optional(-10.0) : std::nullopt, odd});
    odd = !odd;
  }
  for (const Pairs& p : in_place_shapes()) cases.push_back(make_case(SigmoidLossGradCase{{p, -10, false, 1, true}}));
  for (const DType type : kActivationTypes) {
    put({{.n = 13, .m = 64, .e = 32, .row_offset = 51, .type = type}, -3, true, 1024});
    put({{.n = 90, .m = 140, .e = 64, .row_offset = 50, .scale = 100, .type = type, .groups = 40}, -10, false, 65536});
    put({{.n = 64, .m = 64, .e = 64, .scale = 100, .type = type}, 80});  // every wrong pair costs its whole logit
    put({{.n = 0, .m = 5, .e = 7, .row_offset = 2, .type = type}, -10, false});
    cases.push_back(make_case(SigmoidSmallCase{type}));
    cases.push_back(make_case(SigmoidSmallLossCase{type}));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(sigmoid_loss, Conformance, on_all_backends(all_cases()), case_name);

// The loss of all pairs as a function of image, text, logit_scale and logit_bias.
Derivative sigmoid_derivative(bool grouped) {
  const int64_t n = 6, e = 5;
  const float weight = 1 / static_cast<float>(n);
  const auto inputs = [=](Rig& rig, const Tensors& leaf, auto& op) {
    op.image = leaf[0];
    op.text = leaf[1];
    op.logit_scale = leaf[2];
    op.logit_bias = leaf[3];
    if (grouped) op.groups = rig.ints("groups", {0, 1, 0, 2, 1, 0});
  };
  return {grouped ? "sigmoid_loss_groups" : "sigmoid_loss",
          {{"image", n, e, 0.5}, {"text", n, e, 0.5}, {"logit_scale", 1, 1, 1, 1}, {"logit_bias", 1, 1, 1, -2}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            SigmoidLoss op{.loss = rig.between("loss", 1, 1, DType::f32), .weight = weight};
            inputs(rig, leaf, op);
            rig.run(&Ops::sigmoid_loss, op);
            return {op.loss};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dloss) -> Tensors {
            SigmoidLossGrad op{.weight = weight * static_cast<float>(rig.read(dloss[0])[0])};
            inputs(rig, leaf, op);
            op.dimage = rig.between("dimage", n, e, DType::f32);
            op.dtext = rig.between("dtext", n, e, DType::f32);
            op.dlogit_scale = rig.between("dlogit_scale", 1, 1, DType::f32);
            op.dlogit_bias = rig.between("dlogit_bias", 1, 1, DType::f32);
            rig.run(&Ops::sigmoid_loss_grad, op);
            return {op.dimage, op.dtext, op.dlogit_scale, op.dlogit_bias};
          }};
}

INSTANTIATE_TEST_SUITE_P(sigmoid_loss, Derivatives,
                         testing::Values(sigmoid_derivative(false), sigmoid_derivative(true)), derivative_name);

}  // namespace
}  // namespace cw::test
