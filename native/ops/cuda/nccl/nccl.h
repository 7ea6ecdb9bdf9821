// The few parts of NCCL's C interface that are used, declared here because its header comes only with the library.
// nccl_check.cpp compares them with that header where it is present. Names: NCCL's without their prefix.
#pragma once
#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/runtime.h"
#else
#include <cuda_runtime.h>
#endif

#include <cstddef>

namespace cw::nccl {

using Comm = struct CommOpaque*;

enum Result : int {
  success = 0,
  unhandled_cuda_error = 1,
  system_error = 2,
  internal_error = 3,
  invalid_argument = 4,
  invalid_usage = 5,
  remote_error = 6,
  in_progress = 7,
};
enum DataType : int { int32 = 2, float32 = 7 };
enum RedOp : int { sum = 0, max = 2 };

struct UniqueId {
  char bytes[128];
};

/// As version 2.14 had it, which later ones take.
struct Config {
  size_t size = sizeof(Config);
  unsigned magic = 0xcafebeef;
  unsigned version = 21400;
  int blocking = 0;
};

/// The functions, by NCCL's names without the prefix nccl.
struct Library {
  Result (*GetVersion)(int*);
  Result (*GetUniqueId)(UniqueId*);
  Result (*CommInitRankConfig)(Comm*, int ranks, UniqueId, int rank, Config*);
  Result (*CommDestroy)(Comm);
  Result (*CommAbort)(Comm);
  Result (*CommGetAsyncError)(Comm, Result*);
  const char* (*GetErrorString)(Result);
  const char* (*GetLastError)(Comm);
  Result (*GroupStart)();
  Result (*GroupEnd)();
  Result (*AllReduce)(const void* from, void* to, size_t count, DataType, RedOp, Comm, cudaStream_t);
  Result (*AllGather)(const void* from, void* to, size_t count, DataType, Comm, cudaStream_t);
  Result (*ReduceScatter)(const void* from, void* to, size_t count, DataType, RedOp, Comm, cudaStream_t);
  Result (*Broadcast)(const void* from, void* to, size_t count, DataType, int root, Comm, cudaStream_t);
  Result (*Reduce)(const void* from, void* to, size_t count, DataType, RedOp, int root, Comm, cudaStream_t);
};

#define CW_FOR_EACH_NCCL_FUNCTION(X)                                                                                \
  X(GetVersion) X(GetUniqueId) X(CommInitRankConfig) X(CommDestroy) X(CommAbort) X(CommGetAsyncError)               \
  X(GetErrorString) X(GetLastError) X(GroupStart) X(GroupEnd) X(AllReduce) X(AllGather) X(ReduceScatter)            \
  X(Broadcast) X(Reduce)

}  // namespace cw::nccl
