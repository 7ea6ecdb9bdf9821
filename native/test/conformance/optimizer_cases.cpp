// A step of each rule.
#include <algorithm>
#include <span>

#include "test/conformance/optimizer_inputs.h"

namespace cw::test {
namespace {

const char* name_of(Rule rule) {
  switch (rule) {
    case Rule::adamw: return "adamw";
    case Rule::adam: return "adam";
    case Rule::lion: return "lion";
    case Rule::lamb: return "lamb";
    case Rule::sgd: return "sgd";
  }
  return "";
}
constexpr Rule kRules[] = {Rule::adamw, Rule::adam, Rule::lion, Rule::lamb, Rule::sgd};

struct StepCase {
  Rule rule;
  double step;
  bool momentum = true;
  bool skip = false;
  DType type = DType::bf16;  // of compute copies
  std::vector<int64_t> counts = Parameters{}.counts;

  std::string name() const {
    return std::string(name_of(rule)) + "_step" + std::to_string(static_cast<int>(step)) +
           (rule == Rule::sgd && momentum ? "_momentum" : "") + (skip ? "_skip" : "") + "_" + name_of(type) +
           "_segments" + std::to_string(counts.size());
  }
  void run(Rig& rig) const {
    const Parameters p{.counts = counts, .type = type, .momentum = momentum};
    const std::vector<Segment> segments = p.put(rig, rule);
    auto values = controls(0.01, step, 1);
    values[at(Control::clip)] = 0.5;
    values[at(Control::skip)] = skip ? 1 : 0;
    rig.run(&Ops::optimizer_step, {.segments = p.table(segments), .control = put_control(rig, values, {.exact = true}),
                                   .rule = rule, .momentum = momentum ? 0.9f : 0.0f});
  }
};

std::vector<Case> all_cases() {
  std::vector<StepCase> steps;
  for (const Rule rule : kRules) {
    steps.push_back({.rule = rule, .step = 3, .counts = many_counts()});
    for (const DType type : kActivationTypes)
      for (const double step : {1.0, 2.0, 1000.0}) steps.push_back({rule, step, true, false, type});
    steps.push_back({rule, 2, true, true});
  }
  for (const DType type : kActivationTypes)
    for (const double step : {1.0, 2.0, 1000.0}) steps.push_back({Rule::sgd, step, false, false, type});
  // A parameter of more blocks than one, whose norms are sums of sums.
  steps.push_back({.rule = Rule::lamb, .step = 3, .counts = {5, 150001}});
  return make_cases(steps);
}

INSTANTIATE_TEST_SUITE_P(optimizer, Conformance, on_all_backends(all_cases()), case_name);

// Below, without help of the reference.

class Optimizers : public testing::TestWithParam<std::string> {};

/// One parameter under a rule, step by step, in double.
struct Plain {
  double value, m = 0, v = 0;

  double adam_direction(double g, double step) {
    const double beta1 = 0.9f, beta2 = 0.98f, eps = 1e-6f;
    m += (1 - beta1) * (g - m);
    v += (1 - beta2) * (g * g - v);
    return m / (1 - std::pow(beta1, step)) / (std::sqrt(v / (1 - std::pow(beta2, step))) + eps);
  }
  void adamw(double g, double lr, double decay, double step) {
    value -= lr * decay * value;
    value -= lr * adam_direction(g, step);
  }
  void adam(double g, double lr, double decay, double step) { value -= lr * adam_direction(g + decay * value, step); }
  void lion(double g, double lr, double decay) {
    const double beta1 = 0.9f, beta2 = 0.98f, direction = beta1 * m + (1 - beta1) * g;
    value -= lr * ((direction > 0) - (direction < 0) + decay * value);
    m = beta2 * m + (1 - beta2) * g;
  }
  void sgd(double g, double lr, double decay, double momentum, double step) {
    g += decay * value;
    m = step == 1 ? g : momentum * m + g;
    value -= lr * m;
  }
};

/// One parameter of many elements under lamb.
void lamb(std::span<Plain> all, const double* g, double clip, double lr, double decay, double step) {
  std::vector<double> update;
  double values = 0, updates = 0;
  for (Plain& p : all) {
    update.push_back(p.adam_direction(*g++ * clip, step) + decay * p.value);
    values += p.value * p.value;
    updates += update.back() * update.back();
  }
  for (size_t i = 0; i < all.size(); ++i) all[i].value -= lr * std::sqrt(values / updates) * update[i];
}

TEST_P(Optimizers, AParameterOfZerosMovesUnderLamb) {
  Rig rig(shared_backend(GetParam()));
  const auto zero = [](int64_t, int64_t) { return 0.0; };
  const Tensor value = rig.in("value", 1, 3, DType::f32, zero), grad = rig.in("grad", 1, 3, DType::f32);
  const Tensor m = rig.in("m", 1, 3, DType::f32, zero), v = rig.in("v", 1, 3, DType::f32, zero);
  const std::vector<Segment> segments{{.value = value.as<float>(), .grad = grad.as<float>(), .m = m.as<float>(),
                                       .v = v.as<float>(), .count = 3, .weight_decay = 0.1f}};
  auto values = controls(0.01, 1, 0);
  values[at(Control::clip)] = 1;
  rig.run(&Ops::optimizer_step, {.segments = Parameters{}.table(segments), .control = put_control(rig, values, {}),
                                 .rule = Rule::lamb});
  for (const double x : rig.read(value)) EXPECT_NEAR(std::abs(x), 0.01, 1e-5) << "a ratio of 1";
}

TEST_P(Optimizers, SeveralStepsEqualAPlainLoop) {
  constexpr int64_t n = 300;
  constexpr int kSteps = 7, kSkipped = 4;  // the fourth gradient holds a NaN
  for (const Rule rule : kRules) {
    SCOPED_TRACE(name_of(rule));
    Rig rig(shared_backend(GetParam()));
    const auto zero = [](int64_t, int64_t) { return 0.0; };
    const Tensor value = rig.in("value", 2, n, DType::f32), grad = rig.in("grad", 2, n, DType::f32);
    const Tensor m = rig.in("m", 2, n, DType::f32, zero), v = rig.in("v", 2, n, DType::f32, zero);
    const Tensor compute = rig.between("compute", 2, n, DType::bf16);
    const float lr_scale[] = {1, 0.5f}, decay[] = {0.2f, 0};
    std::vector<Segment> segments;
    for (const int64_t k : {0, 1})
      segments.push_back({.value = value.row<float>(k), .grad = grad.row<float>(k), .m = m.row<float>(k),
                          .v = has_second_moment(rule) ? v.row<float>(k) : nullptr,
                          .compute = compute.row_range(k, 1).data, .count = n, .lr_scale = lr_scale[k],
                          .weight_decay = decay[k]});
    const Segments table{.items = segments.data(), .count = 2, .version = 1u << 20, .compute_type = DType::bf16};
    std::vector<Plain> plain;
    for (const double x : rig.read(value)) plain.push_back({x});

    int taken = 0;
    for (int step = 1; step <= kSteps; ++step) {
      const std::string source = "grad of step " + std::to_string(step);
      rig.write(grad, [&](int64_t r, int64_t c) {
        return step == kSkipped && r == 1 && c == 5 ? std::nan("") : normal_at(source, r, c);
      });
      const double lr = 0.01f * static_cast<float>(step);
      const Tensor control = put_control(rig, controls(lr, taken, 3), {});
      rig.run(&Ops::grad_norm, {.segments = table, .control = control});
      rig.run(&Ops::optimizer_step, {.segments = table, .control = control, .rule = rule, .momentum = 0.9f});
      if (step == kSkipped) continue;
      ++taken;
      const std::vector<double> g = rig.read(grad);
      double squares = 0;
      for (const double x : g) squares += x * x;
      const double clip = std::min(1.0, 3 / std::sqrt(squares));
      if (rule == Rule::lamb) {
        for (const size_t k : {0, 1}) {
          const auto first = plain.begin() + static_cast<int64_t>(k * n);
          lamb({first, first + n}, g.data() + k * n, clip, static_cast<float>(lr) * lr_scale[k], decay[k], taken);
        }
        continue;
      }
      for (size_t i = 0; i < plain.size(); ++i) {
        const size_t k = i / n;
        const double own_lr = static_cast<float>(lr) * static_cast<double>(lr_scale[k]), own_g = g[i] * clip;
        if (rule == Rule::adamw) plain[i].adamw(own_g, own_lr, decay[k], taken);
        if (rule == Rule::adam) plain[i].adam(own_g, own_lr, decay[k], taken);
        if (rule == Rule::lion) plain[i].lion(own_g, own_lr, decay[k]);
        if (rule == Rule::sgd) plain[i].sgd(own_g, own_lr, decay[k], 0.9f, taken);
      }
    }
    const std::vector<double> got = rig.read(value), rounded = rig.read(compute);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], plain[i].value, 8 * taken * epsilon(DType::f32) * std::max(1.0, std::abs(plain[i].value))) << i;
      ASSERT_EQ(rounded[i], to_float(to_bf16(static_cast<float>(got[i])))) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(optimizer, Optimizers, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
