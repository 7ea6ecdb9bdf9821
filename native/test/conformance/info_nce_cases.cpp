#include <cmath>

#include "test/conformance/derivative.h"
#include "test/conformance/pairs.h"

namespace cw::test {
namespace {

struct InfoNceCase : Pairs {
  std::string name() const { return Pairs::name("info_nce"); }
  void run(Rig& rig) const {
    InfoNce op;
    put_inputs(rig, op);
    const Tolerance logit{.terms = e, .magnitude = scale}, sum{.terms = e + m, .magnitude = scale};
    op.row_lse = rig.out("row_lse", 1, n, DType::f32, sum);
    op.col_lse = rig.out("col_lse", 1, m, DType::f32, sum);
    op.diagonal = rig.out("diagonal", 1, n, DType::f32, logit);
    rig.run(&Ops::info_nce, op);
  }
};

struct InfoNceGradCase : Pairs {
  bool accumulate = false;
  double loss_scale = 1;  // 1: none given
  bool in_place = false;

  std::string name() const {
    return Pairs::name("info_nce_grad") + (accumulate ? "_accumulate" : "") + (in_place ? "_in_place" : "") +
           (loss_scale == 1 ? "" : "_times" + std::to_string(static_cast<int>(loss_scale)));
  }
  void run(Rig& rig) const {
    InfoNceGrad op{.weight = 0.5f / static_cast<float>(m), .accumulate = accumulate};
    put_inputs(rig, op);
    put_statistics(rig, op);
    if (loss_scale != 1)
      op.loss_scale = rig.in("loss_scale", 1, 2, DType::f32, [&](int64_t, int64_t c) { return c == 0 ? loss_scale : 7; });
    // One pair's part is at most 2·weight·scale·|feature|: with one pair alone it cancels to nothing.
    const double part = 2 * static_cast<double>(op.weight) * scale * loss_scale;
    const Tolerance features{.terms = terms() + m, .roundings = 1, .storage = type,
                             .magnitude = part / std::sqrt(static_cast<double>(e))};
    op.dimage = in_place ? rig.over(op.image, features) : rig.out("dimage", n, e, DType::f32, features);
    op.dtext = rig.out("dtext", m, e, DType::f32, features);
    op.dlogit_scale = rig.sum("dlogit_scale", 1, 1, {.terms = terms() + m, .magnitude = part * static_cast<double>(n)},
                              accumulate);
    rig.run(&Ops::info_nce_grad, op);
  }

 private:
  /// Over all ranks' rows, as the reference gives them.
  void put_statistics(Rig& rig, InfoNceGrad& op) const {
    Rig plain(shared_backend("reference"));
    Pairs global = *this;
    global.n = m;
    global.row_offset = 0;
    InfoNce all;
    global.put_inputs(plain, all);
    all.row_lse = plain.between("row_lse", 1, m, DType::f32);
    all.col_lse = plain.between("col_lse", 1, m, DType::f32);
    all.diagonal = plain.between("diagonal", 1, m, DType::f32);
    plain.run(&Ops::info_nce, all);
    const std::vector<double> rows = plain.read(all.row_lse), cols = plain.read(all.col_lse);
    op.row_lse = rig.in("row_lse", 1, n, DType::f32,
                        [&](int64_t, int64_t i) { return rows[static_cast<size_t>(row_offset + i)]; });
    op.col_lse = rig.in("col_lse", 1, m, DType::f32, [&](int64_t, int64_t j) { return cols[static_cast<size_t>(j)]; });
  }
};

/// Pairs that weigh next to nothing, as where there are very many, with features of their own pairs that do not hide them.
struct InfoNceLightPairsCase {
  DType type;

  std::string name() const { return std::string("info_nce_grad_light_pairs_") + name_of(type); }
  void run(Rig& rig) const {
    constexpr int64_t n = 16, m = 80, e = 32, row_offset = 8;
    const auto own = [](int64_t j) { return j >= row_offset && j < row_offset + n; };
    const auto lse = [](int64_t, int64_t) { return std::log(static_cast<double>(m)) + 16 * std::log(2.0); };
    const auto feature = [](const char* name, int64_t r, int64_t c) { return normal_at(name, r, c) / std::sqrt(32.0); };
    InfoNceGrad op{.weight = 1, .row_offset = row_offset};
    op.image = rig.in("image", n, e, type, [&](int64_t r, int64_t c) { return feature("image", r, c); });
    op.text = rig.in("text", m, e, type, [&](int64_t r, int64_t c) { return own(r) ? 0 : feature("text", r, c); });
    op.logit_scale = rig.in("logit_scale", 1, 1, DType::f32, [](int64_t, int64_t) { return 0.0; });
    op.row_lse = rig.in("row_lse", 1, n, DType::f32, lse);
    op.col_lse = rig.in("col_lse", 1, m, DType::f32, lse);
    // Rounding weights to the features' type may cost what such a rounding costs, however small the weights are.
    op.dimage = rig.out("dimage", n, e, DType::f32, {.terms = e + m, .roundings = 1, .storage = type});
    op.dtext = rig.out("dtext", m, e, DType::f32, {.terms = e + m, .roundings = 1, .storage = type});
    op.dlogit_scale = rig.out("dlogit_scale", 1, 1, DType::f32, {.terms = e + m, .magnitude = 1});
    rig.run(&Ops::info_nce_grad, op);
  }
};

struct InfoNceLossCase {
  int64_t n, m, row_offset;
  bool accumulate;
  DType type = DType::f32;

  std::string name() const {
    return "info_nce_loss_n" + std::to_string(n) + "_m" + std::to_string(m) + "_offset" + std::to_string(row_offset) +
           (accumulate ? "_accumulate" : "");
  }
  void run(Rig& rig) const {
    rig.run(&Ops::info_nce_loss, {.row_lse = rig.in("row_lse", 1, n, type, {.mean = 10}),
                                  .col_lse = rig.in("col_lse", 1, m, type, {.mean = 10}),
                                  .diagonal = rig.in("diagonal", 1, n, type, {.mean = 8}),
                                  .loss = rig.sum("loss", 1, 1, {.terms = 3 * n, .magnitude = 10}, accumulate),
                                  .weight = 0.5f / static_cast<float>(m),
                                  .row_offset = row_offset,
                                  .accumulate = accumulate});
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  bool odd = false;
  for (const Pairs& p : pair_shapes()) {
    cases.push_back(make_case(InfoNceCase{p}));
    cases.push_back(make_case(InfoNceGradCase{p, odd}));
    odd = !odd;
  }
  for (const DType type : kActivationTypes) {
    cases.push_back(make_case(InfoNceGradCase{{.n = 13, .m = 64, .e = 32, .row_offset = 51, .type = type}, true, 1024}));
    const Pairs large{.n = 90, .m = 140, .e = 64, .row_offset = 50, .scale = 100, .type = type, .groups = 40};
    cases.push_back(make_case(InfoNceGradCase{large, false, 65536}));
    cases.push_back(make_case(InfoNceLightPairsCase{type}));
  }
  for (const Pairs& p : in_place_shapes()) cases.push_back(make_case(InfoNceGradCase{p, false, 1, true}));
  for (const bool accumulate : {false, true}) {
    cases.push_back(make_case(InfoNceLossCase{1, 1, 0, accumulate}));
    cases.push_back(make_case(InfoNceLossCase{13, 64, 7, accumulate}));
    cases.push_back(make_case(InfoNceLossCase{257, 257, 0, accumulate}));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(info_nce, Conformance, on_all_backends(all_cases()), case_name);

// The loss of all pairs as a function of image, text and logit_scale.
Derivative info_nce_derivative(bool grouped) {
  const int64_t n = 6, e = 5;
  const float weight = 0.5f / static_cast<float>(n);
  const auto groups = [=](Rig& rig) { return grouped ? rig.ints("groups", {0, 1, 0, 2, 1, 0}) : Tensor{}; };
  const auto statistics = [=](Rig& rig, const Tensors& leaf) {
    const InfoNce op{.image = leaf[0],
                     .text = leaf[1],
                     .logit_scale = leaf[2],
                     .groups = groups(rig),
                     .row_lse = rig.between("row_lse", 1, n, DType::f32),
                     .col_lse = rig.between("col_lse", 1, n, DType::f32),
                     .diagonal = rig.between("diagonal", 1, n, DType::f32)};
    rig.run(&Ops::info_nce, op);
    return op;
  };
  return {grouped ? "info_nce_groups" : "info_nce",
          {{"image", n, e, 0.5}, {"text", n, e, 0.5}, {"logit_scale", 1, 1, 1, 1}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const InfoNce s = statistics(rig, leaf);
            const Tensor loss = rig.between("loss", 1, 1, DType::f32);
            rig.run(&Ops::info_nce_loss,
                    {.row_lse = s.row_lse, .col_lse = s.col_lse, .diagonal = s.diagonal, .loss = loss, .weight = weight});
            return {loss};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dloss) -> Tensors {
            const InfoNce s = statistics(rig, leaf);
            InfoNceGrad op{.image = s.image, .text = s.text, .logit_scale = s.logit_scale, .groups = s.groups,
                           .row_lse = s.row_lse, .col_lse = s.col_lse,
                           .weight = weight * static_cast<float>(rig.read(dloss[0])[0])};
            op.dimage = rig.between("dimage", n, e, DType::f32);
            op.dtext = rig.between("dtext", n, e, DType::f32);
            op.dlogit_scale = rig.between("dlogit_scale", 1, 1, DType::f32);
            rig.run(&Ops::info_nce_grad, op);
            return {op.dimage, op.dtext, op.dlogit_scale};
          }};
}

INSTANTIATE_TEST_SUITE_P(info_nce, Derivatives,
                         testing::Values(info_nce_derivative(false), info_nce_derivative(true)), derivative_name);

}  // namespace
}  // namespace cw::test
