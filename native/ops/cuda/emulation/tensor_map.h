// Tensor maps, which say to the engine of bulk copies where a matrix lies and what tiles it is read in. Of the driver's
// function the two-dimensional form with rows of 128 bytes that are swizzled; CUDA's names and numbers.
#pragma once
#include <cstdint>

enum CUresult { CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1 };
enum CUtensorMapDataType { CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9 };
enum CUtensorMapInterleave { CU_TENSOR_MAP_INTERLEAVE_NONE = 0 };
enum CUtensorMapSwizzle { CU_TENSOR_MAP_SWIZZLE_NONE = 0, CU_TENSOR_MAP_SWIZZLE_128B = 3 };
enum CUtensorMapL2promotion { CU_TENSOR_MAP_L2_PROMOTION_L2_256B = 3 };
enum CUtensorMapFloatOOBfill { CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0 };

using cuuint64_t = uint64_t;

/// Opaque, as in CUDA.
struct alignas(64) CUtensorMap {
  const void* base;
  int64_t rows, columns, row_bytes;
  int box_rows, box_columns;
  uint64_t unused[10];
};
static_assert(sizeof(CUtensorMap) == 128);

inline CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType, uint32_t rank, void* base,
                                       const cuuint64_t* sizes, const cuuint64_t* strides, const uint32_t* box,
                                       const uint32_t* steps, CUtensorMapInterleave, CUtensorMapSwizzle swizzle,
                                       CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
  constexpr uint64_t kMostSize = uint64_t{1} << 32, kMostStride = uint64_t{1} << 40;
  constexpr uint32_t kMostBox = 256;
  const bool addresses = reinterpret_cast<uintptr_t>(base) % 16 == 0 && strides[0] % 16 == 0 && strides[0] < kMostStride &&
                         strides[0] >= 2 * sizes[0];
  const bool boxes = box[0] * 2 == 128 && box[1] >= 1 && box[1] <= kMostBox && steps[0] == 1 && steps[1] == 1;
  if (rank != 2 || !addresses || !boxes || swizzle != CU_TENSOR_MAP_SWIZZLE_128B) return CUDA_ERROR_INVALID_VALUE;
  if (sizes[0] < 1 || sizes[0] > kMostSize || sizes[1] < 1 || sizes[1] > kMostSize) return CUDA_ERROR_INVALID_VALUE;
  *map = {.base = base,
          .rows = static_cast<int64_t>(sizes[1]),
          .columns = static_cast<int64_t>(sizes[0]),
          .row_bytes = static_cast<int64_t>(strides[0]),
          .box_rows = static_cast<int>(box[1]),
          .box_columns = static_cast<int>(box[0]),
          .unused = {}};
  return CUDA_SUCCESS;
}
