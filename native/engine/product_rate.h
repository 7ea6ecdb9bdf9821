// How fast the backend multiplies when it does nothing else: what a step's speed is held against.
#pragma once
#include "core/dtype.h"

namespace cw {

/// GFLOP/s of y[3200,3072] = x[3200,768]·wᵀ with packed weights, best of several runs.
double product_rate(DType type);

}  // namespace cw
