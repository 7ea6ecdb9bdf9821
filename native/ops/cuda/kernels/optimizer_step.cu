// optimizer_step: one launch over all parameters, a block a chunk (chunks.h); lamb takes two more before it.
#include <cmath>

#include "ops/cuda/backend.h"
#include "ops/cuda/chunks.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/optimizer.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

struct Settings {
  float beta1, beta2, log_beta1, log_beta2, eps, momentum;
};

/// What a step has in common for a segment's elements.
struct Rates {
  float clip, lr, decay;
  float inverse1, inverse_root2;  // 1/(1 - beta1^t), 1/sqrt(1 - beta2^t)
  bool first_step;
};

__device__ inline Rates rates_of(const Segment& s, const Settings& set, float* control) {
  const float t = at(control, Control::step);
  return {.clip = at(control, Control::clip),
          .lr = at(control, Control::lr) * s.lr_scale,
          .decay = s.weight_decay,
          .inverse1 = 1.0f / -expm1f(t * set.log_beta1),  // expm1 keeps the digits of a beta near 1
          .inverse_root2 = 1.0f / sqrtf(-expm1f(t * set.log_beta2)),
          .first_step = t <= 1};
}

/// Adam's update without its rate, of moments that have been moved.
__device__ inline float adam_direction(const Settings& set, const Rates& r, float m, float v) {
  return (m * r.inverse1) / fmaf(sqrtf(v), r.inverse_root2, set.eps);
}

__device__ inline void move_moments(const Settings& set, float grad, float& m, float& v) {
  m = fmaf(set.beta1, m, (1 - set.beta1) * grad);
  v = fmaf(set.beta2, v, (1 - set.beta2) * grad * grad);
}

/// One element under a rule. lamb finds its moments moved, and its trust ratio in r.lr. sgd leaves m as it was where
/// there is no momentum.
template <Rule rule>
__device__ inline void update(const Settings& set, const Rates& r, float& value, float grad, float& m, float& v, bool momentum) {
  if constexpr (rule == Rule::adamw) {
    move_moments(set, grad, m, v);
    value -= r.lr * r.decay * value;
    value -= r.lr * adam_direction(set, r, m, v);
  } else if constexpr (rule == Rule::adam) {
    move_moments(set, fmaf(r.decay, value, grad), m, v);
    value -= r.lr * adam_direction(set, r, m, v);
  } else if constexpr (rule == Rule::lion) {
    const float direction = fmaf(set.beta1, m, (1 - set.beta1) * grad);
    const float sign = direction > 0 ? 1.0f : direction < 0 ? -1.0f : 0.0f;
    m = fmaf(set.beta2, m, (1 - set.beta2) * grad);
    value -= r.lr * fmaf(r.decay, value, sign);
  } else if constexpr (rule == Rule::lamb) {
    value -= r.lr * fmaf(r.decay, value, adam_direction(set, r, m, v));
  } else {
    grad = fmaf(r.decay, value, grad);
    if (momentum) m = grad = r.first_step ? grad : fmaf(set.momentum, m, grad);
    value -= r.lr * grad;
  }
}

/// lamb's first pass: moves the moments; sums[2·block], sums[2·block + 1] = Σ p², Σ w² of a chunk.
__global__ void __launch_bounds__(kThreads) lamb_moments_kernel(const Segment* segments, int64_t count, const int64_t* starts,
                                                                Settings set, float* control, double* sums) {
  if (at(control, Control::skip) != 0) return;
  const Chunk chunk = chunk_of_block(segments, count, starts);
  const Segment s = *chunk.segment;
  const Rates rates = rates_of(s, set, control);
  const bool aligned = at_16_bytes(s.value) && at_16_bytes(s.grad) && at_16_bytes(s.m) && at_16_bytes(s.v);
  float values = 0, updates = 0;
  for (int64_t i = chunk.first + threadIdx.x * kRun; i < chunk.end; i += kThreads * kRun) {
    const int64_t n = chunk.end - i;
    float value[kRun], grad[kRun], m[kRun], v[kRun];
    load_run(s.value + i, n, aligned, value);
    load_run(s.grad + i, n, aligned, grad);
    load_run(s.m + i, n, aligned, m);
    load_run(s.v + i, n, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      move_moments(set, grad[k] * rates.clip, m[k], v[k]);
      const float w = fmaf(rates.decay, value[k], adam_direction(set, rates, m[k], v[k]));
      values = fmaf(value[k], value[k], values);
      updates = fmaf(w, w, updates);  // zero past the end, where all that was loaded is
    }
    store_run(s.m + i, n, aligned, m);
    store_run(s.v + i, n, aligned, v);
  }
  const double all_values = reduce_block(static_cast<double>(values)), all_updates = reduce_block(static_cast<double>(updates));
  if (threadIdx.x != 0) return;
  sums[2 * blockIdx.x] = all_values;
  sums[2 * blockIdx.x + 1] = all_updates;
}

/// ratios[s] = |p|/|w| of a segment, 1 where either is 0. One warp each.
__global__ void lamb_ratios_kernel(const Segment* segments, const int64_t* starts, const double* sums, const float* control,
                                   float* ratios) {
  if (control[static_cast<int>(Control::skip)] != 0) return;
  const int64_t s = blockIdx.x, first = starts[s], end = first + chunks_of(segments[s]);
  double values = 0, updates = 0;
  for (int64_t c = first + threadIdx.x; c < end; c += kWarp) {
    values += sums[2 * c];
    updates += sums[2 * c + 1];
  }
  values = reduce_warp(values);
  updates = reduce_warp(updates);
  if (threadIdx.x == 0) ratios[s] = values > 0 && updates > 0 ? static_cast<float>(sqrt(values / updates)) : 1.0f;
}

/// A constant, since device code may not call the function.
template <Rule rule>
constexpr bool kSecondMoment = has_second_moment(rule);

/// C: the type of compute copies. ratios: lamb's, null for the other rules.
template <Rule rule, class C>
__global__ void __launch_bounds__(kThreads) step_kernel(const Segment* segments, int64_t count, const int64_t* starts,
                                                        Settings set, float* control, const float* ratios) {
  if (at(control, Control::skip) != 0) return;
  const Chunk chunk = chunk_of_block(segments, count, starts);
  const Segment s = *chunk.segment;
  C* compute = static_cast<C*>(s.compute);
  Rates rates = rates_of(s, set, control);
  if constexpr (rule == Rule::lamb) rates.lr *= ratios[chunk.segment - segments];
  const bool aligned = at_16_bytes(s.value) && at_16_bytes(s.grad) && at_16_bytes(s.m) && at_16_bytes(s.v) && at_16_bytes(compute);
  for (int64_t i = chunk.first + threadIdx.x * kRun; i < chunk.end; i += kThreads * kRun) {
    const int64_t n = chunk.end - i;
    float value[kRun], grad[kRun], m[kRun] = {}, v[kRun] = {};
    load_run(s.value + i, n, aligned, value);
    load_run(s.grad + i, n, aligned, grad);
    if (s.m) load_run(s.m + i, n, aligned, m);
    if constexpr (kSecondMoment<rule>) load_run(s.v + i, n, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; ++k) update<rule>(set, rates, value[k], grad[k] * rates.clip, m[k], v[k], s.m != nullptr);
    store_run(s.value + i, n, aligned, value);
    if constexpr (rule != Rule::lamb) {
      if (s.m) store_run(s.m + i, n, aligned, m);
      if constexpr (kSecondMoment<rule>) store_run(s.v + i, n, aligned, v);
    }
    if (compute) store_run(compute + i, n, aligned, value);
  }
}

/// sums and ratios are lamb's alone.
struct StepScratch {
  Tensor starts, sums, ratios;

  StepScratch(Workspace& work, const OptimizerStep& op) : starts(take_starts(work, op.segments)) {
    if (op.rule != Rule::lamb) return;
    sums = work.take(2 * chunks_of(op.segments), sizeof(double), DType::u8);
    ratios = work.take(1, op.segments.count, DType::f32);
  }
};

template <class Body>
auto by_rule(Rule rule, Body&& body) {
  switch (rule) {
    case Rule::adamw: return body.template operator()<Rule::adamw>();
    case Rule::adam: return body.template operator()<Rule::adam>();
    case Rule::lion: return body.template operator()<Rule::lion>();
    case Rule::lamb: return body.template operator()<Rule::lamb>();
    case Rule::sgd: return body.template operator()<Rule::sgd>();
  }
}

}  // namespace

void CudaBackend::execute(const OptimizerStep& op) {
  Workspace work = Workspace::over(scratch_arena());
  const StepScratch scratch(work, op);
  const Segment* segments = on_device(op.segments);
  const int64_t count = op.segments.count;
  const unsigned chunks = blocks_for(chunks_of(op.segments), 1);
  const auto* starts = scratch.starts.as<int64_t>();
  auto* control = op.control.as<float>();
  const auto log_of = [](float beta) { return static_cast<float>(std::log(static_cast<double>(beta))); };
  const Settings settings{.beta1 = op.beta1,
                          .beta2 = op.beta2,
                          .log_beta1 = log_of(op.beta1),
                          .log_beta2 = log_of(op.beta2),
                          .eps = op.eps,
                          .momentum = op.momentum};
  put_starts(stream(), segments, count, scratch.starts);
  if (op.rule == Rule::lamb) {
    launch(stream(), {"lamb_moments", chunks, kThreads}, lamb_moments_kernel, segments, count, starts, settings, control,
           scratch.sums.as<double>());
    launch(stream(), {"lamb_ratios", blocks_for(count, 1), kWarp}, lamb_ratios_kernel, segments, starts,
           scratch.sums.as<double>(), control, scratch.ratios.as<float>());
  }
  by_type(op.segments.compute_type, [&]<class C>() {
    by_rule(op.rule, [&]<Rule rule>() {
      launch(stream(), {"optimizer_step", chunks, kThreads}, step_kernel<rule, C>, segments, count, starts, settings, control,
             scratch.ratios.as<float>());
    });
  });
}
size_t CudaBackend::scratch(const OptimizerStep& op) const {
  Workspace work = Workspace::measuring();
  StepScratch(work, op);
  return work.peak();
}

}  // namespace cw
