// Tensor maps: how bulk copies (compute capability 9.0) find tiles of a matrix.
#pragma once
#include "core/tensor.h"

#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/tensor_map.h"
#else
#include <cuda.h>
#endif

namespace cw {

using TensorMap = CUtensorMap;

/// Of a matrix of bf16 or f16 whose rows begin at multiples of 16 bytes: tiles of `rows` (up to 256) by 64 columns, that are
/// 128 bytes, which are swizzled in shared memory. Throws device where the driver does not make one.
TensorMap tensor_map(const Tensor& matrix, int rows);

}  // namespace cw
