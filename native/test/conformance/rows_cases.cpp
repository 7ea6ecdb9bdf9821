#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"
#include "test/conformance/packed.h"

namespace cw::test {
namespace {

struct RowsCase {
  bool scatter;
  int64_t t, r, d;
  DType type = DType::f32;
  int64_t pad = 0;

  std::string name() const {
    return std::string(scatter ? "scatter_add_rows" : "gather_rows") + "_T" + std::to_string(t) + "_R" +
           std::to_string(r) + "_D" + std::to_string(d) + "_" + name_of(type) + (pad ? "_strided" : "");
  }
  /// Distinct, in no order.
  std::vector<int32_t> rows() const {
    std::vector<int32_t> all;
    for (int64_t i = 0; i < r; ++i) all.push_back(static_cast<int32_t>((t - 1 - i * 3 % t + t) % t));
    return all;
  }
  void run(Rig& rig) const {
    const Tensor wanted = rig.ints("rows", rows());
    if (scatter)
      rig.run(&Ops::scatter_add_rows, {.x = rig.in("x", r, d, type, {.pad = pad}),
                                       .rows = wanted,
                                       .y = rig.in_out("y", t, d, type, {.terms = 2}, {.pad = pad})});
    else
      rig.run(&Ops::gather_rows, {.x = rig.in("x", t, d, type, {.pad = pad}),
                                  .rows = wanted,
                                  .y = rig.out("y", r, d, type, {.exact = true}, pad)});
  }
};

struct SequenceMeanCase {
  bool grad;
  Lengths lengths;
  int64_t d;
  DType type = DType::f32;
  int64_t pad = 0, filler = 0, skip = 0;

  int64_t real() const { return tokens_in(lengths); }
  int64_t rows() const { return real() + filler; }
  int64_t count() const { return static_cast<int64_t>(lengths.size()); }
  std::string name() const {
    return std::string(grad ? "sequence_mean_grad" : "sequence_mean") + joined(lengths) + "_D" + std::to_string(d) + "_" +
           name_of(type) + (pad ? "_strided" : "") + (filler ? "_filler" : "") + (skip ? "_skip" + std::to_string(skip) : "");
  }
  void run(Rig& rig) const {
    const Sequences sequences = put_sequences(rig, lengths);
    if (grad)
      rig.run(&Ops::sequence_mean_grad, {.dy = rig.in("dy", count(), d, type, {.pad = pad}),
                                         .dx = rig.out("dx", rows(), d, type, {.terms = 1, .zero_past_rows = true}, pad),
                                         .sequences = sequences,
                                         .skip = skip});
    else
      rig.run(&Ops::sequence_mean, {.x = rig.in("x", rows(), d, type, {.pad = pad, .real_rows = real(), .filler = 1e4}),
                                    .y = rig.out("y", count(), d, type, {.terms = longest(lengths), .magnitude = 1}, pad),
                                    .sequences = sequences,
                                    .skip = skip});
  }
};

std::vector<Case> mean_cases() {
  std::vector<SequenceMeanCase> all;
  for (const bool grad : {false, true})
    for (const DType type : kActivationTypes) {
      all.push_back({grad, {1}, 1, type});
      all.push_back({grad, {5}, 7, type});
      all.push_back({grad, {7, 0, 13}, 64, type, 0, 4});
      all.push_back({grad, {64, 1, 5}, 257, type});
      all.push_back({grad, {0, 0, 3}, 13, type, 3, 1});
      all.push_back({grad, {77, 50, 77, 2}, 96, type, 0, 11});
      all.push_back({grad, {50, 1, 50, 0, 17}, 72, type, 0, 3, 1});
      all.push_back({grad, {5, 2, 1}, 13, type, 3, 0, 2});
    }
  return make_cases(all);
}

std::vector<Case> all_cases() {
  std::vector<RowsCase> all;
  for (const bool scatter : {false, true})
    for (const DType type : kActivationTypes) {
      all.push_back({scatter, 1, 1, 1, type});
      all.push_back({scatter, 13, 5, 7, type});
      all.push_back({scatter, 64, 64, 257, type});
      all.push_back({scatter, 257, 13, 64, type});
      all.push_back({scatter, 64, 5, 13, type, 3});
    }
  return make_cases(all);
}

INSTANTIATE_TEST_SUITE_P(rows, Conformance, on_all_backends(all_cases() + mean_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(rows, Filler, on_all_backends(with_filler(mean_cases())), case_name);

// Gathering's gradient is a scatter into zeros.
Derivative gather_derivative() {
  const RowsCase s{false, 7, 4, 5};
  return {"gather_rows",
          {{"x", s.t, s.d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", s.r, s.d, DType::f32);
            rig.run(&Ops::gather_rows, {.x = leaf[0], .rows = rig.ints("rows", s.rows()), .y = y});
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dx = rig.between("dx", s.t, s.d, DType::f32);
            rig.run(&Ops::fill, {.y = dx});
            rig.run(&Ops::scatter_add_rows, {.x = dy[0], .rows = rig.ints("rows", s.rows()), .y = dx});
            return {dx};
          }};
}

Derivative mean_derivative() {
  const SequenceMeanCase s{.grad = false, .lengths = {3, 0, 4}, .d = 5, .filler = 2, .skip = 1};
  return {"sequence_mean",
          {{"x", s.rows(), s.d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", s.count(), s.d, DType::f32);
            rig.run(&Ops::sequence_mean, {.x = leaf[0], .y = y, .sequences = put_sequences(rig, s.lengths), .skip = s.skip});
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dx = rig.between("dx", s.rows(), s.d, DType::f32);
            rig.run(&Ops::sequence_mean_grad,
                    {.dy = dy[0], .dx = dx, .sequences = put_sequences(rig, s.lengths), .skip = s.skip});
            return {dx};
          }};
}

INSTANTIATE_TEST_SUITE_P(rows, Derivatives, testing::Values(gather_derivative(), mean_derivative()), derivative_name);

}  // namespace
}  // namespace cw::test
