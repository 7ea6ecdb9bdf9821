// Arguments of the kernel that turns tiles of a student's and a teacher's products into gradients.
#pragma once
#include "ops/cpu/kernels/pairs.h"

namespace cw {

/// A tile with the logarithms of its softmaxes' denominators.
struct DistillTile {
  PairTile products;
  const float *row_lse, *col_lse;  // [rows], [cols]
};

/// By pairs the student's scale times the gradient of ops/distill.h.
struct DistillTileGrad {
  void* data;  // f32 or bf16 [rows, stride]; f32 may be the student's products' own memory
  int64_t stride;
  bool bf16;
  float pairs, distil;  // weights, times the loss scale
  float* row_dots;      // [rows] sums of what goes to `data`, before it is rounded, times the products
  float* half_cross;    // [cols], added to
  float* block_cross;   // scratch [rows / kPairRows, cols]
};

}  // namespace cw
