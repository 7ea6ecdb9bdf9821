// For products in a type that this machine multiplies faster in f32: f32 copies in scratch before, rounding after.
#pragma once
#include "ops/workspace.h"
#include "ops/ops.h"

namespace cw {

/// x itself when it is f32, else its values in f32.
Tensor widened(Workspace& work, const Tensor& x);
/// The rows of a weight that a view takes; `holder` must outlive the result.
WeightView widened(Workspace& work, const WeightView& view, Weight& holder);
/// Where an f32 product writes what narrow() will round into y: y itself when that is f32.
Tensor widened_output(Workspace& work, const Tensor& y);
void narrow(Workspace& work, const Tensor& wide, const Tensor& y);

}  // namespace cw
