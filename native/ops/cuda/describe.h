// What the CUDA runtime says of this machine's cards.
#pragma once
#include "ops/cuda/cuda.h"

namespace cw {

/// Fills in all but the driver. Throws Error where the runtime or cuBLASLt cannot be asked.
void describe_cards(CudaDescription* d);

}  // namespace cw
