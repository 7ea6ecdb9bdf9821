// How parameters begin: the distributions that their layers name.
#pragma once
#include <cstdint>

#include "nn/parameter.h"
#include "ops/backend.h"

namespace cw {

/// y, f32 of the parameter's shape, as it begins: drawn by (seed, stream, element).
void initialize(Backend& backend, const Parameter& p, Tensor y, uint64_t seed, uint64_t stream);

}  // namespace cw
