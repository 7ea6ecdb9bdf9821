#include <algorithm>
#include <cmath>

#include "test/conformance/acts.h"
#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"

namespace cw::test {
namespace {

/// Widths and layout of a product, common to the three ops.
struct Product {
  int64_t t = 1, i = 1, o = 1;
  DType type = DType::f32;
  bool input_major = false;
  bool part = false;      // output features 1 .. 1+o of o+3
  bool keep = false;      // the weight has an id: its packed copy may be kept
  int64_t pad = 0;
  int64_t filler = 0;

  int64_t rows() const { return t + filler; }
  std::string name(const char* op) const {
    return std::string(op) + "_T" + std::to_string(t) + "_I" + std::to_string(i) + "_O" + std::to_string(o) + "_" +
           name_of(type) + (input_major ? "_input_major" : "") + (part ? "_part" : "") + (keep ? "_keep" : "") +
           (pad ? "_strided" : "") + (filler ? "_filler" : "");
  }

  Weight weight(Rig& rig) const {
    const int64_t all = part ? o + 3 : o;
    const int64_t rows = input_major ? i : all, cols = input_major ? all : i;
    const Fill fill{.scale = 1 / std::sqrt(static_cast<double>(i))};
    const Tensor master = rig.in("w", rows, cols, DType::f32, fill);
    return {.master = master,
            .compute = type == DType::f32 ? master : rig.in("w", rows, cols, type, fill),
            .input_major = input_major,
            .id = keep ? next_weight_id() : 0,
            .version = 1};
  }
  WeightView view(const Weight& w) const {
    return part ? WeightView{.weight = &w, .first = 1, .count = o} : WeightView{.weight = &w};
  }
};

struct LinearCase : Product {
  Act act = Act::none;
  bool bias = true, residual = false, pre = false;
  bool wide = false;      // y in f32 whatever x is
  bool in_place = false;  // y is the residual
  bool copy = false;      // of the bias, in x's type
  bool packed = false;    // the weight has no other form

  std::string name() const {
    return Product::name("linear") + "_" + name_of_act(act) + (bias ? "_bias" : "") + (residual ? "_residual" : "") +
           (pre ? "_pre" : "") + (wide ? "_wide" : "") + (in_place ? "_in_place" : "") + (copy ? "_copy" : "") +
           (packed ? "_packed" : "");
  }
  void run(Rig& rig) const {
    Weight w = weight(rig);
    if (packed && part)
      rig.pack(w, {{.weight = &w, .first = 0, .count = 1}, view(w), {.weight = &w, .first = 1 + o, .count = 2}});
    else if (packed)
      rig.pack(w, {view(w)});
    const DType out = wide ? DType::f32 : type;
    // An epilogue may want the bias in x's type.
    const Tolerance sum{.terms = i, .roundings = bias ? 1 : 0, .storage = type};
    const Tolerance through_pre{.terms = i, .roundings = 1, .storage = type};
    Linear op{.x = rig.in("x", rows(), i, type, {.scale = 2, .pad = pad}), .w = view(w), .act = act};
    if (bias) op.b = rig.in("b", 1, o, DType::f32);
    if (copy) op.b_compute = rig.in("b", 1, o, type);
    if (in_place) {
      op.y = op.residual = rig.in_out("y", rows(), o, out, through_pre, {.pad = pad});
    } else {
      if (residual) op.residual = rig.in("residual", rows(), o, out, {.pad = pad});
      op.y = rig.out("y", rows(), o, out, through_pre, pad);
    }
    if (pre) op.pre = rig.out("pre", rows(), o, type, sum, pad);
    rig.run(&Ops::linear, op);
  }
};

/// gelu_tanh's slope multiplies what a sigmoid near 1 lacks to 1, of which few bits are left, by up to this.
constexpr int64_t kSlopeTerms = 32;

struct InputGradCase : Product {
  Act act = Act::none;
  bool residual = false;
  bool in_place = false;  // dx is the residual
  bool sum = false, accumulate = false;
  bool hidden = false;    // wanted; in place of pre, with in_place

  std::string name() const {
    return Product::name("linear_input_grad") + "_" + name_of_act(act) + (residual ? "_residual" : "") +
           (in_place ? "_in_place" : "") + (sum ? "_sum" : "") + (accumulate ? "_accumulate" : "") + (hidden ? "_hidden" : "");
  }
  void run(Rig& rig) const {
    const Weight w = weight(rig);
    LinearInputGrad op{.dy = rig.in("dy", rows(), o, type, {.pad = pad, .real_rows = t}),
                       .w = view(w),
                       .act = act,
                       .accumulate = accumulate};
    const Fill arguments{.scale = 2, .pad = pad};
    const Tolerance activated{.terms = 1, .storage = type};
    if (hidden && in_place)
      op.pre = op.hidden = rig.in_out("pre", rows(), i, type, activated, arguments);
    else if (act != Act::none)
      op.pre = rig.in("pre", rows(), i, type, arguments);
    if (hidden && !in_place) op.hidden = rig.out("hidden", rows(), i, type, activated, pad);
    Tolerance product{.terms = o, .zero_past_rows = true};
    if (act != Act::none) {
      product.terms += kSlopeTerms;
      product.roundings = 1;  // the product may be stored before the slope multiplies it
      product.storage = type;
    }
    const Fill addend{.pad = pad, .real_rows = t};
    if (in_place && !hidden) {
      op.dx = op.residual = rig.in_out("dx", rows(), i, type, product, addend);
    } else {
      if (residual) op.residual = rig.in("residual", rows(), i, type, addend);
      op.dx = rig.out("dx", rows(), i, type, product, pad);
    }
    if (sum)
      op.dx_sum = rig.sum("dx_sum", 1, i, {.terms = t + product.terms, .roundings = 2, .storage = type}, accumulate);
    rig.run(&Ops::linear_input_grad, op);
  }
};

struct WeightGradCase : Product {
  bool dw = true, db = true, accumulate = false;

  std::string name() const {
    return Product::name("linear_weight_grad") + (dw ? "_dw" : "") + (db ? "_db" : "") +
           (accumulate ? "_accumulate" : "");
  }
  void run(Rig& rig) const {
    LinearWeightGrad op{.dy = rig.in("dy", rows(), o, type, {.pad = pad, .real_rows = t}),
                        .x = rig.in("x", rows(), i, type, {.pad = pad}),
                        .input_major = input_major,
                        .accumulate = accumulate};
    const Tolerance sum{.terms = t};
    if (dw) op.dw = rig.sum("dw", input_major ? i : o, input_major ? o : i, sum, accumulate);
    if (db) op.db = rig.sum("db", 1, o, sum, accumulate);
    rig.run(&Ops::linear_weight_grad, op);
  }
};

/// Every size meets every place once; large ones meet small ones.
std::vector<Product> products() {
  const int64_t sizes[][3] = {{1, 1, 1},     {5, 7, 13},   {13, 64, 5},   {64, 257, 7}, {257, 64, 64},
                              {7, 13, 257},  {1, 257, 64}, {64, 64, 257}, {257, 5, 1},  {300, 96, 130},
                              {64, 1, 64}};
  std::vector<Product> all;
  for (const auto& [t, i, o] : sizes)
    for (const DType type : kActivationTypes) all.push_back({.t = t, .i = i, .o = o, .type = type});
  for (const DType type : kActivationTypes) {
    const Product p{.t = 13, .i = 64, .o = 64, .type = type};
    for (const int variant : {0, 1, 2, 3, 4}) {
      Product q = p;
      if (variant == 0) q.input_major = true;
      if (variant == 1) q.part = true;
      if (variant == 2) q.pad = 3;
      if (variant == 3) q.filler = 5;
      if (variant == 4) q.keep = true;
      all.push_back(q);
    }
    all.push_back({.t = 257, .i = 64, .o = 13, .type = type, .input_major = true, .keep = true});
    all.push_back({.t = 257, .i = 96, .o = 64, .type = type, .keep = true, .pad = 32, .filler = 7});
    // Rows that are multiplied some at a time.
    all.push_back({.t = 1100, .i = 96, .o = 64, .type = type, .keep = true, .filler = 7});
    all.push_back({.t = 2100, .i = 72, .o = 64, .type = type});
    // Few rows that meet a weight where it lies: several panels, in parts of unlike depth.
    for (const int64_t t : {1, 50}) all.push_back({.t = t, .i = 240, .o = 192, .type = type, .part = t == 50, .pad = 3});
    all.push_back({.t = 7, .i = 13, .o = 5, .type = type, .part = true, .keep = true, .pad = 1, .filler = 2});
  }
  // Sums of more terms, and more panels, than the caches hold at a time.
  all.push_back({.t = 140, .i = 784, .o = 790, .type = DType::bf16});
  all.push_back({.t = 790, .i = 790, .o = 64, .type = DType::bf16});
  for (const int64_t t : {9, 64}) all.push_back({.t = t, .i = 1040, .o = 192, .type = DType::f32});
  return all;
}

std::vector<Case> linear_cases() {
  std::vector<LinearCase> all;
  const Act acts[] = {Act::none, Act::gelu, Act::gelu_tanh, Act::quick_gelu};
  size_t turn = 0;
  for (const Product& p : products()) {
    all.push_back({p, Act::none, true});
    const Act act = acts[1 + turn % 3];
    all.push_back({p, act, turn % 2 == 0, turn % 4 < 2, turn % 3 != 0});
    ++turn;
    LinearCase packed{p, turn % 2 == 0 ? act : Act::none};
    packed.packed = true;
    all.push_back(packed);
  }
  for (const DType type : kActivationTypes)
    for (const Act act : acts)
      for (const int options : {0, 1, 2, 3, 4, 5, 6, 7})
        all.push_back({Product{.t = 13, .i = 64, .o = 13, .type = type}, act, false, options != 0 && options != 3,
                       (options & 1) != 0, (options & 2) != 0, (options & 4) != 0});
  for (const DType type : kActivationTypes)
    for (const int64_t o : {13, 64})
      for (const Act act : {Act::none, Act::gelu})
        for (const bool wide : {false, true})
          all.push_back({Product{.t = 13, .i = 64, .o = o, .type = type}, act, true, false, false, wide, false, true});
  return make_cases(all);
}

std::vector<Case> input_grad_cases() {
  std::vector<InputGradCase> all;
  const Act acts[] = {Act::gelu, Act::gelu_tanh, Act::quick_gelu};
  size_t turn = 0;
  for (const Product& p : products()) {
    all.push_back({p, Act::none});
    all.push_back({p, acts[turn % 3]});
    all.push_back({p, acts[turn % 3], false, false, true, turn % 2 == 0});
    all.push_back({p, acts[(turn + 1) % 3], false, turn % 2 == 0, turn % 3 == 0, false, true});
    ++turn;
    all.push_back({p, Act::none, true});
    all.push_back({p, Act::none, true, true});
  }
  return make_cases(all);
}

std::vector<Case> weight_grad_cases() {
  std::vector<WeightGradCase> all;
  for (const Product& p : products()) {
    if (p.part || p.keep) continue;  // nothing to do with how the weight itself is kept
    all.push_back({p});
    all.push_back({p, true, true, true});
  }
  for (const DType type : kActivationTypes)
    for (const int64_t t : {int64_t{13}, int64_t{300}})
      for (const bool input_major : {false, true})
        for (const bool accumulate : {false, true}) {
          const Product p{.t = t, .i = 64, .o = 96, .type = type, .input_major = input_major, .filler = 4};
          all.push_back({p, true, false, accumulate});
          all.push_back({p, false, true, accumulate});
          all.push_back({p, true, true, accumulate});
        }
  return make_cases(all);
}

std::vector<Case> all_cases() { return linear_cases() + input_grad_cases() + weight_grad_cases(); }

INSTANTIATE_TEST_SUITE_P(linear, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(linear, Filler, on_all_backends(with_filler(all_cases())), case_name);

// A packed copy of a weight must follow the weight's version, whether it is kept or made for each product.
class PackedWeights : public testing::TestWithParam<std::string> {};

TEST_P(PackedWeights, FollowTheVersion) {
  Backend& backend = shared_backend(GetParam());
  for (const DType type : kActivationTypes)
    for (const auto& [input_major, keep] : {std::pair(false, false), {false, true}, {true, false}, {true, true}}) {
      const Product p{.t = 200, .i = 96, .o = 64, .type = type, .input_major = input_major, .keep = true};
      backend.keep_packed(keep);
      Rig rig(backend);
      Weight w = p.weight(rig);
      const Tensor x = rig.in("x", p.t, p.i, type), dy = rig.in("dy", p.t, p.o, type);
      const auto products = [&] {
        const Tensor y = rig.between("y", p.t, p.o, DType::f32), dx = rig.between("dx", p.t, p.i, type);
        rig.run(&Ops::linear, {.x = x, .w = {.weight = &w}, .y = y});
        rig.run(&Ops::linear_input_grad, {.dy = dy, .w = {.weight = &w}, .dx = dx});
        return std::pair(rig.read(y), rig.read(dx));
      };
      const auto [y, dx] = products();
      const std::vector<double> before = rig.read(w.compute);
      const auto doubled = [&](int64_t r, int64_t c) { return 2 * before[static_cast<size_t>(r * w.compute.cols + c)]; };
      rig.write(w.compute, doubled);  // times two: exact in every type
      ++w.version;
      const auto [y_doubled, dx_doubled] = products();
      const double step = type == DType::f16 ? 0x1p-24 : 0;  // between f16's smallest numbers, where halves are rounded
      for (size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y_doubled[i], 2 * y[i]) << i;
      for (size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(dx_doubled[i], 2 * dx[i], step) << i;
    }
  backend.keep_packed(false);
}

INSTANTIATE_TEST_SUITE_P(linear, PackedWeights, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

// Leaves: x, w, b, residual.
Derivative linear_derivative(Act act, bool input_major) {
  const int64_t t = 5, i = 7, o = 6;
  const auto weight = [=](const Tensor& w) { return Weight{.master = w, .compute = w, .input_major = input_major}; };
  return {"linear_" + name_of_act(act) + (input_major ? "_input_major" : ""),
          {{"x", t, i}, {"w", input_major ? i : o, input_major ? o : i, 0.5}, {"b", 1, o}, {"residual", t, o}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Weight w = weight(leaf[1]);
            const Tensor y = rig.between("y", t, o, DType::f32);
            rig.run(&Ops::linear,
                    {.x = leaf[0], .w = {.weight = &w}, .b = leaf[2], .residual = leaf[3], .y = y, .act = act});
            return {y};
          },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            // The activation belongs to the next layer's input gradient: run it through an identity weight.
            const Weight w = weight(leaf[1]);
            const Tensor eye = rig.in("identity", o, o, DType::f32, [](int64_t r, int64_t c) { return r == c ? 1 : 0; });
            const Weight identity{.master = eye, .compute = eye};
            const Tensor pre = rig.between("pre", t, o, DType::f32), y = rig.between("y", t, o, DType::f32);
            rig.run(&Ops::linear,
                    {.x = leaf[0], .w = {.weight = &w}, .b = leaf[2], .y = y, .pre = pre, .act = act});
            const Tensor dpre = rig.between("dpre", t, o, DType::f32), dx = rig.between("dx", t, i, DType::f32);
            rig.run(&Ops::linear_input_grad, {.dy = dy[0], .w = {.weight = &identity}, .dx = dpre, .pre = pre, .act = act});
            rig.run(&Ops::linear_input_grad, {.dy = dpre, .w = {.weight = &w}, .dx = dx});
            const Tensor dw = rig.between("dw", leaf[1].rows, leaf[1].cols, DType::f32);
            const Tensor db = rig.between("db", 1, o, DType::f32);
            rig.run(&Ops::linear_weight_grad,
                    {.dy = dpre, .x = leaf[0], .dw = dw, .db = db, .input_major = input_major});
            return {dx, dw, db, dy[0]};
          }};
}

INSTANTIATE_TEST_SUITE_P(linear, Derivatives,
                         testing::Values(linear_derivative(Act::none, false), linear_derivative(Act::gelu, false),
                                         linear_derivative(Act::gelu_tanh, true),
                                         linear_derivative(Act::quick_gelu, false), linear_derivative(Act::none, true)),
                         derivative_name);

}  // namespace
}  // namespace cw::test
