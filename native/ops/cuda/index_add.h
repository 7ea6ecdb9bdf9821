// Adding rows into rows picked by an id, in a fixed order (PyTorch's index_add_, made to repeat bit by bit).
#pragma once
#include "ops/cuda/stable_sort.h"
#include "ops/ops.h"

namespace cw {

/// Where the device keeps the number of the first filler row.
inline const int32_t* end_of(const Sequences& s) { return s.offsets.as<int32_t>() + s.count; }

/// y[k] (+)= Σ of the rows of x that have key k. Rows of one key are added in their order, 32 at a time as they lie when
/// sorted by key, then those sums in order. Without accumulate, rows of y whose key nobody has become zero.
struct IndexAdd {
  Tensor x;      // [T,D]
  RowKeys keys;  // of x's rows; keys.count is Y
  Tensor y;      // f32 [Y,D], contiguous
  bool accumulate = false;
};

void index_add(Workspace& work, cudaStream_t stream, const IndexAdd& op);

}  // namespace cw
