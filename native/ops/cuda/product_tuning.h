// Times a product's proposed algorithms against each other on the card.
#pragma once
#include <optional>

#include "ops/cuda/product_plan.h"
#include "ops/cuda/waiter.h"

namespace cw {

/// The fastest; nothing when none runs. Runs each a few times over the operands: `c` may not be one of the others. Not while
/// the stream is captured. An algorithm that cuBLASLt ranks lower must win clearly, so that noise decides less.
std::optional<ProductAlgorithm> fastest(const ProductPlan& plan, const ProductPlan::Operands& operands, cudaStream_t stream,
                                        const Waiter& waiter);

}  // namespace cw
