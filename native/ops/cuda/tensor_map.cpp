#include "ops/cuda/tensor_map.h"

#include <string>

#include "core/error.h"

#ifndef CW_CUDA_EMULATED
#include <dlfcn.h>
#endif

namespace cw {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

Encode encode() {
#ifdef CW_CUDA_EMULATED
  return cuTensorMapEncodeTiled;
#else
  // Of the driver, which is there already: linking it would keep the library from being opened where there is none.
  static void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  static const auto found = driver ? reinterpret_cast<Encode>(dlsym(driver, "cuTensorMapEncodeTiled")) : nullptr;
  if (!found) throw Error(Code::device, "[cuda] the driver has no cuTensorMapEncodeTiled; leave CLIPWRIGHT_OWN_PRODUCTS away");
  return found;
#endif
}

}  // namespace

TensorMap tensor_map(const Tensor& matrix, int rows) {
  constexpr uint32_t kRank = 2, kColumns = 64;
  const auto type = matrix.dtype == DType::bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  // Innermost first; the stride is of rows.
  const cuuint64_t sizes[] = {static_cast<uint64_t>(matrix.cols), static_cast<uint64_t>(matrix.rows)};
  const cuuint64_t strides[] = {static_cast<uint64_t>(matrix.stride) * size_of(matrix.dtype)};
  const uint32_t box[] = {kColumns, static_cast<uint32_t>(rows)}, steps[] = {1, 1};
  TensorMap map;
  const CUresult result = encode()(&map, type, kRank, matrix.data, sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                                   CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                   CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS)
    throw Error(Code::device, "[cuda] cuTensorMapEncodeTiled failed with status " + std::to_string(result) +
                                  " for a matrix of [" + std::to_string(matrix.rows) + ", " +
                                  std::to_string(matrix.cols) + "]");
  return map;
}

}  // namespace cw
