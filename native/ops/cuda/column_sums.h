// Sums of a matrix's columns: partial ones, of groups of rows, then those in their order.
#pragma once
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {

/// Into how many groups of rows to cut a matrix, so that device/columns.cuh's grid has the blocks that run at once.
int64_t column_groups(int multiprocessors, const Tensor& x);

/// y (+)= the column sums of x.
void column_sums(Workspace& work, cudaStream_t stream, int multiprocessors, const Tensor& x, float* y, bool accumulate);

/// Where sums go: a part of `partial`'s columns each, all of one width.
struct SumTargets {
  float* part[3];
};
void add_partial_sums(cudaStream_t stream, const Tensor& partial, int64_t width, const SumTargets& to, bool accumulate);

}  // namespace cw
