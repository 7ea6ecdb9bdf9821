// How fast the CPU backend multiplies, or copies, when it does nothing else: what a step's speed is held against.
#pragma once
#include <cstdint>

#include "core/dtype.h"
#include "core/names.h"

namespace cw {

/// Of a linear layer: y = x·wᵀ, dx = dy·w, dw = dyᵀ·x.
enum class Pass : uint8_t { forward, input_grad, weight_grad };
inline constexpr Named<Pass> kPasses[] = {
    {"forward", Pass::forward}, {"inputGrad", Pass::input_grad}, {"weightGrad", Pass::weight_grad}};

/// A product of rows × in × out; as it stands that of c_fc of ViT-B/32 at batch 64.
struct ProductShape {
  DType type = DType::f32;
  Pass pass = Pass::forward;
  int64_t rows = 3200, in = 768, out = 3072;
  int threads = 0;  // 0: as many as the machine has
};

/// GFLOP/s with packed weights, best of several runs.
double product_rate(const ProductShape& shape);

/// Bytes a second that are read and written, by a copy of more than the caches hold, best of several runs.
double memory_rate(int threads);

}  // namespace cw
