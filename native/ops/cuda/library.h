// What clipwright_cuda.so and the addon agree on.
#pragma once
#include "ops/cuda/cuda.h"

namespace cw {

inline constexpr const char* kLeastDriver = "580";  // for CUDA 13
inline constexpr int kLeastDriverCuda = 13000;

inline constexpr const char* kCudaLibrarySymbol = "clipwright_cuda_library";
/// Moves with Backend and the ops' structs (cuda.cmake): the two are built from one source tree.
inline constexpr const char* kCudaInterface = CW_CUDA_INTERFACE;

struct CudaLibrary {
  const char* interface;
  Backend* (*make)(int index);          // throws Error
  void (*describe)(CudaDescription*);  // throws Error
};

}  // namespace cw
