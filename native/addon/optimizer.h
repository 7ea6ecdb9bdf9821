// NativeOptimizer and NativeStepOptions of lib/native/optimizer.ts.
#pragma once
#include <napi.h>

#include "optim/optimizer.h"

namespace cw {

/// Both throw invalid_argument naming the field.
OptimizerSpec optimizer_argument(const Napi::Object& o);
Optimizer::Step step_argument(const Napi::Object& o);

}  // namespace cw
