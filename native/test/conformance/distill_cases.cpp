#include <cmath>

#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

struct DistillCase {
  int64_t n, m, e, f;
  int64_t row_offset = 0;
  double scale = 10, teacher_scale = 20;
  DType type = DType::f32;
  bool accumulate = false;
  double loss_scale = 1;  // 1: none given
  bool in_place = false;

  std::string name() const {
    return "distill_grad_n" + std::to_string(n) + "_m" + std::to_string(m) + "_E" + std::to_string(e) + "_F" + std::to_string(f) +
           "_offset" + std::to_string(row_offset) + "_scale" + std::to_string(static_cast<int>(scale)) + "_" + name_of(type) +
           (accumulate ? "_accumulate" : "") + (in_place ? "_in_place" : "") + (loss_scale == 1 ? "" : "_times" + std::to_string(static_cast<int>(loss_scale)));
  }

  void run(Rig& rig) const {
    DistillGrad op{.pair_weight = 0.5f / static_cast<float>(m), .weight = 0.7f / static_cast<float>(m), .row_offset = row_offset,
                   .accumulate = accumulate};
    put_inputs(rig, op);
    const auto lse = [&](const char* name, int64_t count, double scale) {
      return rig.in(name, 1, count, DType::f32,
                    [&](int64_t, int64_t i) { return std::log(static_cast<double>(m)) + 0.6 * scale + 0.3 * std::sin(i); });
    };
    op.row_lse = lse("row_lse", n, scale), op.col_lse = lse("col_lse", m, scale);
    op.teacher_row_lse = lse("teacher_row_lse", n, teacher_scale), op.teacher_col_lse = lse("teacher_col_lse", m, teacher_scale);
    if (loss_scale != 1)
      op.loss_scale = rig.in("loss_scale", 1, 2, DType::f32, [&](int64_t, int64_t c) { return c == 0 ? loss_scale : 7; });
    // An error of a dot product becomes one of the exponential, times the scale.
    const int64_t terms = e + f + static_cast<int64_t>(4 * (scale + teacher_scale));
    const Tolerance features{.terms = terms + m, .roundings = 1, .storage = type};
    op.dimage = in_place ? rig.over(op.image, features) : rig.out("dimage", n, e, DType::f32, features);
    op.dtext = rig.out("dtext", m, e, DType::f32, features);
    const double part = 2 * static_cast<double>(op.pair_weight + op.weight) * scale * loss_scale;
    op.dlogit_scale = rig.sum("dlogit_scale", 1, 1, {.terms = terms + m, .magnitude = part * static_cast<double>(n)}, accumulate);
    op.half_cross = rig.out("half_cross", 1, n, DType::f32, {.terms = terms + m});
    rig.run(&Ops::distill_grad, op);
  }

 private:
  Tensor unit_rows(Rig& rig, const std::string& name, int64_t rows, int64_t cols) const {
    const auto norm = [&](int64_t r) {
      double sum = 0;
      for (int64_t i = 0; i < cols; ++i) sum += std::pow(normal_at(name, r, i), 2);
      return std::sqrt(sum);
    };
    return rig.in(name, rows, cols, type, [&](int64_t r, int64_t c) { return normal_at(name, r, c) / norm(r); });
  }
  void put_inputs(Rig& rig, DistillGrad& op) const {
    op.image = unit_rows(rig, "image", n, e), op.text = unit_rows(rig, "text", m, e);
    op.teacher_image = unit_rows(rig, "teacher_image", n, f), op.teacher_text = unit_rows(rig, "teacher_text", m, f);
    op.logit_scale = rig.in("logit_scale", 1, 1, DType::f32, [&](int64_t, int64_t) { return std::log(scale); });
    op.teacher_scale = rig.in("teacher_scale", 1, 1, DType::f32, [&](int64_t, int64_t) { return std::log(teacher_scale); });
  }
};

std::vector<DistillCase> all_cases() {
  std::vector<DistillCase> all;
  for (const DType type : kActivationTypes) {
    for (const auto& [n, e] : {std::pair<int64_t, int64_t>{1, 8}, {5, 7}, {13, 64}, {64, 136}, {257, 16}})
      all.push_back({.n = n, .m = n, .e = e, .f = e + 5, .type = type, .accumulate = n == 13});
    all.push_back({.n = 13, .m = 64, .e = 32, .f = 16, .row_offset = 51, .type = type, .loss_scale = 1024});
    // More than one tile in each direction, and a ragged last one.
    all.push_back({.n = 1030, .m = 2060, .e = 8, .f = 24, .row_offset = 1024, .type = type});
  }
  for (const int64_t n : {13, 1030}) all.push_back({.n = n, .m = 2060, .e = 8, .f = 24, .row_offset = 1024, .in_place = true});
  return all;
}

INSTANTIATE_TEST_SUITE_P(distill, Conformance, on_all_backends(make_cases(all_cases())), case_name);

// Both losses as a function of image, text and logit_scale.
Derivative distill_derivative() {
  const int64_t n = 6, e = 5, f = 7;
  const float pairs = 0.5f / static_cast<float>(n), distil = 0.35f / static_cast<float>(n);
  const auto statistics = [=](Rig& rig, const Tensor& image, const Tensor& text, const Tensor& scale, const std::string& whose) {
    const InfoNce op{.image = image,
                     .text = text,
                     .logit_scale = scale,
                     .row_lse = rig.between(whose + "row_lse", 1, n, DType::f32),
                     .col_lse = rig.between(whose + "col_lse", 1, n, DType::f32),
                     .diagonal = rig.between(whose + "diagonal", 1, n, DType::f32)};
    rig.run(&Ops::info_nce, op);
    return op;
  };
  const auto gradient = [=](Rig& rig, const Tensors& leaf, float by) {
    const InfoNce student = statistics(rig, leaf[0], leaf[1], leaf[2], "student_");
    const InfoNce teacher = statistics(rig, rig.in("teacher_image", n, f, DType::f32, {.scale = 0.5}),
                                       rig.in("teacher_text", n, f, DType::f32, {.scale = 0.5}),
                                       rig.in("teacher_scale", 1, 1, DType::f32, [](int64_t, int64_t) { return 1.0; }), "teacher_");
    const DistillGrad op{.image = leaf[0],
                         .text = leaf[1],
                         .logit_scale = leaf[2],
                         .row_lse = student.row_lse,
                         .col_lse = student.col_lse,
                         .teacher_image = teacher.image,
                         .teacher_text = teacher.text,
                         .teacher_scale = teacher.logit_scale,
                         .teacher_row_lse = teacher.row_lse,
                         .teacher_col_lse = teacher.col_lse,
                         .dimage = rig.between("dimage", n, e, DType::f32),
                         .dtext = rig.between("dtext", n, e, DType::f32),
                         .dlogit_scale = rig.between("dlogit_scale", 1, 1, DType::f32),
                         .half_cross = rig.between("half_cross", 1, n, DType::f32),
                         .pair_weight = pairs * by,
                         .weight = distil * by};
    rig.run(&Ops::distill_grad, op);
    return std::pair(op, student.diagonal);
  };
  return {"distill",
          {{"image", n, e, 0.5}, {"text", n, e, 0.5}, {"logit_scale", 1, 1, 1, 1}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const auto [op, diagonal] = gradient(rig, leaf, 1);
            const Tensor loss = rig.between("loss", 1, 1, DType::f32);
            rig.run(&Ops::info_nce_loss,
                    {.row_lse = op.row_lse, .col_lse = op.col_lse, .diagonal = diagonal, .loss = loss, .weight = pairs});
            rig.run(&Ops::info_nce_loss, {.row_lse = op.row_lse, .col_lse = op.col_lse, .diagonal = op.half_cross, .loss = loss,
                                          .weight = distil, .accumulate = true});
            return {loss};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dloss) -> Tensors {
            const DistillGrad op = gradient(rig, leaf, static_cast<float>(rig.read(dloss[0])[0])).first;
            return {op.dimage, op.dtext, op.dlogit_scale};
          }};
}

INSTANTIATE_TEST_SUITE_P(distill, Derivatives, testing::Values(distill_derivative()), derivative_name);

}  // namespace
}  // namespace cw::test
