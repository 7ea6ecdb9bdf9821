#include "addon/optimizer.h"

#include "addon/arguments.h"
#include "engine/names.h"

namespace cw {

OptimizerSpec optimizer_argument(const Napi::Object& o) {
  return {.rule = named_in(kRules, o.Get("rule"), "optimizer.rule"),
          .beta1 = static_cast<float>(number_at(o, "beta1")),
          .beta2 = static_cast<float>(number_at(o, "beta2")),
          .eps = static_cast<float>(number_at(o, "eps")),
          .momentum = static_cast<float>(number_at(o, "momentum")),
          .lr_scale = floats_at(o, "lrScale"),
          .weight_decay = floats_at(o, "weightDecay"),
          .average = static_cast<float>(number_at(o, "average"))};
}

Optimizer::Step step_argument(const Napi::Object& o) {
  return {.lr = static_cast<float>(number_at(o, "lr")), .max_grad_norm = static_cast<float>(number_at(o, "maxGradNorm")),
          .max_loss = o.Get("maxLoss").IsUndefined() ? 0 : static_cast<float>(number_at(o, "maxLoss"))};
}

}  // namespace cw
