// Weights of 8 bits: a scale for each output feature, symmetric about zero.
#pragma once
#include "core/tensor.h"

namespace cw {

/// q i8 [O,I] = round(w/scale) of f32 w, ties to even; scales f32 [1,O] = the feature's largest magnitude / levels. A feature that
/// is not finite has a scale of NaN. All in the host's memory.
void round_weight(const Tensor& w, int levels, const Tensor& q, const Tensor& scales);
/// w[o] = q[o]·scales[o]
void widen_weight(const Tensor& q, const Tensor& scales, const Tensor& w);

}  // namespace cw
