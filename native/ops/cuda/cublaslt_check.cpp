// cublaslt.h against the real header, where there is one. Last compared with that of cuBLASLt 13.0.2.
#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

#include <type_traits>

#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw::lt {
namespace {

/// Whether two types are passed in the same way: handles and enumerations have names of their own here.
template <class A, class B>
constexpr bool passed_alike = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B> &&
                              std::is_const_v<std::remove_pointer_t<A>> == std::is_const_v<std::remove_pointer_t<B>>;
template <class A, class B>
constexpr bool called_alike = false;
template <class R, class... A, class S, class... B>
  requires(sizeof...(A) == sizeof...(B))
constexpr bool called_alike<R (*)(A...), S (*)(B...)> = passed_alike<R, S> && (passed_alike<A, B> && ...);

static_assert(success == static_cast<int>(CUBLAS_STATUS_SUCCESS) && not_initialized == static_cast<int>(CUBLAS_STATUS_NOT_INITIALIZED));
static_assert(invalid_value == static_cast<int>(CUBLAS_STATUS_INVALID_VALUE) && arch_mismatch == static_cast<int>(CUBLAS_STATUS_ARCH_MISMATCH));
static_assert(execution_failed == static_cast<int>(CUBLAS_STATUS_EXECUTION_FAILED) && not_supported == static_cast<int>(CUBLAS_STATUS_NOT_SUPPORTED));
static_assert(compute_32f == static_cast<int>(CUBLAS_COMPUTE_32F));
static_assert(r_32f == static_cast<int>(CUDA_R_32F) && r_16f == static_cast<int>(CUDA_R_16F) && r_16bf == static_cast<int>(CUDA_R_16BF));
static_assert(op_n == static_cast<int>(CUBLAS_OP_N) && op_t == static_cast<int>(CUBLAS_OP_T));
static_assert(desc_transa == static_cast<int>(CUBLASLT_MATMUL_DESC_TRANSA) && desc_transb == static_cast<int>(CUBLASLT_MATMUL_DESC_TRANSB));
static_assert(desc_epilogue == static_cast<int>(CUBLASLT_MATMUL_DESC_EPILOGUE));
static_assert(desc_bias_pointer == static_cast<int>(CUBLASLT_MATMUL_DESC_BIAS_POINTER));
static_assert(pref_max_workspace_bytes == static_cast<int>(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES));
static_assert(pref_reduction_scheme_mask == static_cast<int>(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK));
static_assert(reduction_none == static_cast<unsigned>(CUBLASLT_REDUCTION_SCHEME_NONE));
static_assert(reduction_compute_type == static_cast<unsigned>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
static_assert(pref_min_alignment_a_bytes == static_cast<int>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES));
static_assert(pref_min_alignment_b_bytes == static_cast<int>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES));
static_assert(pref_min_alignment_c_bytes == static_cast<int>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES));
static_assert(pref_min_alignment_d_bytes == static_cast<int>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES));
static_assert(epilogue_default == static_cast<unsigned>(CUBLASLT_EPILOGUE_DEFAULT) && epilogue_bias == static_cast<unsigned>(CUBLASLT_EPILOGUE_BIAS));
static_assert(sizeof(Algo) == sizeof(cublasLtMatmulAlgo_t) && sizeof(HeuristicResult) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(HeuristicResult, workspace_size) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(HeuristicResult, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));

#define CW_COMPARE(name) static_assert(called_alike<decltype(Library::name), decltype(&cublasLt##name)>);
CW_FOR_EACH_LT_FUNCTION(CW_COMPARE)
#undef CW_COMPARE

}  // namespace
}  // namespace cw::lt
#endif
