// For products in a type that this machine multiplies faster in f32: f32 copies in scratch.
#pragma once
#include "ops/workspace.h"
#include "ops/ops.h"

namespace cw {

/// x itself when it is f32, else its values in f32.
Tensor widened(Workspace& work, const Tensor& x);

}  // namespace cw
