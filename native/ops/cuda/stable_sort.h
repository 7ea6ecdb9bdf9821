// Sorting rows by an id that only the device knows.
#pragma once
#include <cstdint>

#include "ops/cuda/runtime.h"
#include "ops/workspace.h"

namespace cw {

/// Rows t of ids [1,T] with t < *end and 0 <= ids[t] < count have the key ids[t]; the others have the key `count`.
struct RowKeys {
  Tensor ids;                    // i32 [1,T]
  const int32_t* end = nullptr;  // device memory
  int64_t count = 0;
};

struct KeyedRow {
  int32_t key, row;
};

/// All T rows by rising key; rows of one key stay in their order. i32 [T,2], an array of KeyedRow, in the workspace.
Tensor stable_sort(Workspace& work, cudaStream_t stream, const RowKeys& keys);

}  // namespace cw
