#include <cmath>
#include <vector>

#include "ops/loss_scale.h"
#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

float& control(const Tensor& t, Control c) { return t.as<float>()[static_cast<int>(c)]; }

}  // namespace

void ReferenceBackend::run(const GradNorm& a) {
  double square = 0;
  for (int64_t s = 0; s < a.segments.count; ++s)
    for (int64_t i = 0; i < a.segments.items[s].count; ++i)
      square += static_cast<double>(a.segments.items[s].grad[i]) * a.segments.items[s].grad[i];
  const double loss_scale = a.loss_scale ? *a.loss_scale.as<float>() : 1, limit = control(a.control, Control::max_norm);
  const double norm = std::sqrt(square) / loss_scale;
  const bool finite = std::isfinite(norm);
  control(a.control, Control::norm) = static_cast<float>(norm);
  const double most = control(a.control, Control::max_loss);
  const bool jumped = a.loss && most > 0 && !(*a.loss.as<float>() <= most);
  control(a.control, Control::skip) = !finite ? 1 : jumped ? 2 : 0;
  control(a.control, Control::step) += finite && !jumped ? 1 : 0;
  control(a.control, Control::clip) = static_cast<float>((finite && limit > 0 && norm > limit ? limit / norm : 1) / loss_scale);
}

void ReferenceBackend::run(const UpdateLossScale& a) {
  next_loss_scale(a.control.as<float>(), a.loss_scale.as<float>(), static_cast<float>(a.growth_interval));
}

void ReferenceBackend::run(const OptimizerStep& a) {
  if (control(a.control, Control::skip) != 0) return;
  const double clip = control(a.control, Control::clip), t = control(a.control, Control::step);
  const double beta1 = a.beta1, beta2 = a.beta2;
  const double correct_1 = 1 - std::pow(beta1, t), correct_2 = 1 - std::pow(beta2, t);
  for (int64_t s = 0; s < a.segments.count; ++s) {
    const Segment& p = a.segments.items[s];
    const double lr = static_cast<double>(control(a.control, Control::lr)) * p.lr_scale, decay = p.weight_decay;
    const auto adam_update = [&](int64_t i, double g) {  // moves the moments
      const double m = beta1 * p.m[i] + (1 - beta1) * g, v = beta2 * p.v[i] + (1 - beta2) * g * g;
      p.m[i] = static_cast<float>(m);
      p.v[i] = static_cast<float>(v);
      return (m / correct_1) / (std::sqrt(v / correct_2) + a.eps);
    };
    std::vector<double> update(static_cast<size_t>(p.count));  // p -= lr·ratio·update
    double values = 0, updates = 0;                            // sums of squares
    for (int64_t i = 0; i < p.count; ++i) {
      const double value = p.value[i], g = p.grad[i] * clip;
      double& u = update[static_cast<size_t>(i)];
      switch (a.rule) {
        case Rule::adamw:
        case Rule::lamb: u = adam_update(i, g) + decay * value; break;
        case Rule::adam: u = adam_update(i, g + decay * value); break;
        case Rule::lion: {
          const double m = p.m[i], direction = beta1 * m + (1 - beta1) * g;
          u = (direction > 0 ? 1 : direction < 0 ? -1 : 0) + decay * value;
          p.m[i] = static_cast<float>(beta2 * m + (1 - beta2) * g);
          break;
        }
        case Rule::sgd:
          u = g + decay * value;
          if (p.m) {
            u += t > 1 ? a.momentum * static_cast<double>(p.m[i]) : 0;
            p.m[i] = static_cast<float>(u);
          }
      }
      values += value * value;
      updates += u * u;
    }
    const double ratio = a.rule == Rule::lamb && values > 0 && updates > 0 ? std::sqrt(values / updates) : 1;
    for (int64_t i = 0; i < p.count; ++i)
      p.value[i] = static_cast<float>(p.value[i] - lr * ratio * update[static_cast<size_t>(i)]);
    if (p.compute)
      Matrix(Tensor::of(p.value, DType::f32, 1, p.count)).store(Tensor::of(p.compute, a.segments.compute_type, 1, p.count));
  }
}

}  // namespace cw
