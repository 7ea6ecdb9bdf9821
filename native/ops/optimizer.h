// What an optimizer does with all gradients at once. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Device scalars of one optimizer. The host uploads lr, max_norm and max_loss before a step, GradNorm writes the others: no step
/// has to know on the host whether the one before was skipped.
enum class Control : int { lr, max_norm, max_loss, step, norm, clip, skip, count };

/// Device scalars of f16 training: what the loss was multiplied by, and how many steps in a row were finite.
enum class LossScale : int { value, good_steps, count };

/// A run of parameters with the same settings.
struct Segment {
  float* value = nullptr;
  float* grad = nullptr;
  float* m = nullptr;       // first moment or momentum
  float* v = nullptr;       // second moment; null where the rule has none
  void* compute = nullptr;  // copy in `compute_type`, or null
  int64_t count = 0;
  float lr_scale = 1;
  float weight_decay = 0;
};

/// A table of segments on the host; `version` moves when it changed (a backend may keep it on its device).
struct Segments {
  const Segment* items = nullptr;
  int64_t count = 0;
  uint64_t version = 0;
  DType compute_type = DType::f32;
};

/// norm = |gradients|/loss_scale (two stages, fixed order); clip = min(1, max_norm/norm)/loss_scale (max_norm 0: no
/// limit); skip = 1 when the norm is not finite (clip then means nothing), 2 when it is and the loss is not at most max_loss (0:
/// no limit), else 0 and step += 1.
struct GradNorm {
  Segments segments;
  Tensor control;     // f32 [1, Control::count]
  Tensor loss_scale;  // f32 [1, LossScale::count], optional: 1
  Tensor loss;        // f32 [1,1], optional: within any limit
};

/// After GradNorm: a step skipped for its norm halves the scale (not below 1), every growth_interval finite ones in a row double
/// it (not above 2^24), and one skipped for its loss says nothing of it. Source: torch.amp.GradScaler.
struct UpdateLossScale {
  Tensor control, loss_scale;
  int64_t growth_interval = 2000;
};

enum class Rule : uint8_t { adamw, adam, lion, lamb, sgd };
constexpr bool has_second_moment(Rule r) { return r == Rule::adamw || r == Rule::adam || r == Rule::lamb; }
constexpr bool needs_first_moment(Rule r) { return r != Rule::sgd; }

/// One step, unless control.skip, which leaves everything as it was. compute gets the new value, rounded. With
/// g = grad·clip, lr = control.lr·lr_scale, t = control.step (GradNorm made it 1 before the first):
/// adamw (Loshchilov & Hutter 2019, as torch.optim.AdamW): p -= lr·wd·p; m, v moments;
///       p -= lr·u, u = (m/(1-beta1^t)) / (sqrt(v/(1-beta2^t)) + eps).
/// adam  (Kingma & Ba 2015, as torch.optim.Adam): g += wd·p; m, v, u as above; p -= lr·u.
/// lion  (Chen et al. 2023, algorithm 2): p -= lr·(sign(beta1·m + (1-beta1)·g) + wd·p); m = beta2·m + (1-beta2)·g.
/// lamb  (You et al. 2020, algorithm 2, φ the identity): m, v, u as adamw; w = u + wd·p; p -= lr·(|p|/|w|)·w, with norms
///       over the segment, which must be a whole parameter, summed in two stages in a fixed order. A norm of 0 makes the
///       ratio 1.
/// sgd   (as torch.optim.SGD): g += wd·p; m = momentum·m + g (m = g at t = 1); p -= lr·m. Null m: no momentum.
struct OptimizerStep {
  Segments segments;
  Tensor control;
  Rule rule = Rule::adamw;
  float beta1 = 0.9f, beta2 = 0.98f, eps = 1e-6f, momentum = 0;
};

}  // namespace cw
