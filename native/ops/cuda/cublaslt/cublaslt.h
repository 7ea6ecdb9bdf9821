// The few parts of cuBLASLt's C interface that are used, declared here because its header comes only with a package of
// 444 MB. cublaslt_check.cpp compares them with that header where it is present. Names: cuBLASLt's without their prefix.
#pragma once
#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/runtime.h"
#else
#include <cuda_runtime.h>
#endif

#include <cstddef>
#include <cstdint>
#include <string>

namespace cw::lt {

using Handle = struct Context*;
using MatmulDesc = struct MatmulDescOpaque*;
using MatrixLayout = struct MatrixLayoutOpaque*;
using Preference = struct PreferenceOpaque*;

enum Status : int { success = 0, not_initialized = 1, invalid_value = 7, arch_mismatch = 8, execution_failed = 13, not_supported = 15 };
enum ComputeType : int { compute_32f = 68 };                         // CUBLAS_COMPUTE_32F
enum DataType : int { r_32f = 0, r_16f = 2, r_16bf = 14 };           // CUDA_R_...
enum Operation : int32_t { op_n = 0, op_t = 1 };                     // CUBLAS_OP_...
enum DescAttribute : int {                                           // CUBLASLT_MATMUL_DESC_...
  desc_transa = 3,
  desc_transb = 4,
  desc_epilogue = 7,
  desc_bias_pointer = 8,
};
enum PreferenceAttribute : int {                                     // CUBLASLT_MATMUL_PREF_...
  pref_max_workspace_bytes = 1,
  pref_reduction_scheme_mask = 3,
  pref_min_alignment_a_bytes = 5,
  pref_min_alignment_b_bytes = 6,
  pref_min_alignment_c_bytes = 7,
  pref_min_alignment_d_bytes = 8,
};
enum ReductionScheme : uint32_t { reduction_none = 0, reduction_compute_type = 2 };  // CUBLASLT_REDUCTION_SCHEME_...
enum Epilogue : uint32_t { epilogue_default = 1, epilogue_bias = 4 };  // CUBLASLT_EPILOGUE_...

struct Algo {
  uint64_t data[8];
};
struct HeuristicResult {
  Algo algo;
  size_t workspace_size;
  Status state;
  float waves_count;
  int reserved[4];
};

/// The functions, by cuBLASLt's names without the prefix cublasLt.
struct Library {
  Status (*Create)(Handle*);
  Status (*Destroy)(Handle);
  size_t (*GetVersion)();
  Status (*MatmulDescCreate)(MatmulDesc*, ComputeType, DataType scale);
  Status (*MatmulDescDestroy)(MatmulDesc);
  Status (*MatmulDescSetAttribute)(MatmulDesc, DescAttribute, const void*, size_t);
  Status (*MatrixLayoutCreate)(MatrixLayout*, DataType, uint64_t rows, uint64_t cols, int64_t ld);
  Status (*MatrixLayoutDestroy)(MatrixLayout);
  Status (*MatmulPreferenceCreate)(Preference*);
  Status (*MatmulPreferenceDestroy)(Preference);
  Status (*MatmulPreferenceSetAttribute)(Preference, PreferenceAttribute, const void*, size_t);
  Status (*MatmulAlgoGetHeuristic)(Handle, MatmulDesc, MatrixLayout a, MatrixLayout b, MatrixLayout c, MatrixLayout d,
                                   Preference, int requested, HeuristicResult*, int* returned);
  Status (*Matmul)(Handle, MatmulDesc, const void* alpha, const void* a, MatrixLayout, const void* b, MatrixLayout,
                   const void* beta, const void* c, MatrixLayout, void* d, MatrixLayout, const Algo*, void* workspace,
                   size_t workspace_size, cudaStream_t);
};

#define CW_FOR_EACH_LT_FUNCTION(X)                                                                                     \
  X(Create) X(Destroy) X(GetVersion) X(MatmulDescCreate) X(MatmulDescDestroy) X(MatmulDescSetAttribute)                \
  X(MatrixLayoutCreate) X(MatrixLayoutDestroy) X(MatmulPreferenceCreate) X(MatmulPreferenceDestroy)                    \
  X(MatmulPreferenceSetAttribute) X(MatmulAlgoGetHeuristic) X(Matmul)

/// Opened at first use, for the whole process. Throws no_cuda saying where it was looked for.
const Library& library();

}  // namespace cw::lt
