// What a kernel file is written with. The same file is compiled by nvcc for cards and by g++ for the emulation of
// emulation/, which runs the conformance suite where there is no card.
//
// A kernel file (kernels/SECTION.cu, a section of ops.h, or SECTION_PART.cu) holds, in this order: a header comment;
// includes; in an anonymous namespace the kernels (and device functions used only here); then CudaBackend::execute(const
// Op&) of its ops, and scratch(const Op&) where an op needs scratch. kernels/rows.cu is a small example, kernels/linear.cu
// one with scratch. To add an op: write its file, and declare scratch() in backend.h if it has one.
//
//   template <class T>
//   __global__ void scale_kernel(View<const T> x, float by, View<T> y) {
//     CW_SHARED(float, tile, [32][33]);                  // __shared__ float tile[32][33]
//     CW_SHARED_DYNAMIC(float, buffer);                  // float* buffer, as long as LaunchShape::shared says
//     ...                                                // threadIdx, __syncthreads(), __shfl_xor_sync(...) as in CUDA
//   }
//   void CudaBackend::execute(const Scale& op) {
//     by_type(op.x.dtype, [&]<class T>() {
//       launch(stream(), {"scale", blocks_for(op.x.rows, 8), 256}, scale_kernel<T>, view<const T>(op.x), op.by,
//              view<T>(op.y));
//     });
//   }
//
// Kernels are called NAME_kernel: an op's own name would find the member function of the op.
//
// Rules. execute() runs while a list of commands is sent to the stream or captured into a graph: it only launches (no
// allocation, no synchronisation, no reading of device memory; control flow depends on shapes alone). Scratch comes from
// scratch_arena(), in the pieces that scratch() measured: write one function over a Workspace (ops/workspace.h) and call it
// from both. Sums run in a fixed order (device/reduce.cuh); there is no atomicAdd on floats. Elements are read and written
// with device/elements.cuh: as floats, whatever their type. An empty grid is not launched.
//
// Emulated: the indices, __syncthreads, __syncwarp, shuffles, votes, integer atomics, vector types and the intrinsics of
// emulation/device.h (add what you need there, with CUDA's name). A block may have 99 KiB of shared memory, the least of all
// cards, or CLIPWRIGHT_EMULATION_SHARED bytes: a kernel that wants more asks CudaBackend::shared_memory() first. Shared memory
// starts as NaN in every block, fresh device memory too. Reported as errors that name kernel and line: barriers and shuffles
// that not all threads reach, misaligned 16-byte accesses, launches that hardware refuses. Order of threads:
// CLIPWRIGHT_EMULATION_ORDER=ascending|descending|SEED; a missing barrier shows in at least one of them. Not emulated: tensor
// cores (give such a function a plain body under #ifdef CW_CUDA_EMULATED), memory fences, speed. Kernels may not call functions
// with non-trivial destructors across barriers, nor throw.
#pragma once
#include <cstdint>
#include <string>
#include <tuple>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/cuda/runtime.h"

#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/block.h"
#include "ops/cuda/emulation/bulk.h"
#include "ops/cuda/emulation/device.h"
#define CW_SHARED(type, name, dims)                                                                       \
  static const char name##_site{};                                                                        \
  typedef type name##_type dims;                                                                          \
  name##_type& name = *static_cast<name##_type*>(::cw::emulation::shared(&name##_site, sizeof(name##_type)))
#define CW_SHARED_DYNAMIC(type, name) type* name = static_cast<type*>(::cw::emulation::shared_dynamic())
#else
#define CW_SHARED(type, name, dims) __shared__ __align__(16) type name dims
#define CW_SHARED_DYNAMIC(type, name)                                \
  extern __shared__ __align__(16) unsigned char cw_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(cw_dynamic_shared)
#endif

namespace cw {

/// A tensor's matrix as device code sees it.
template <class T>
struct View {
  T* data;
  int64_t rows, cols, stride;

  __device__ T* row(int64_t r) const { return data + r * stride; }
};

/// Empty (data null) for an absent tensor.
template <class T>
View<T> view(const Tensor& t) {
  return {static_cast<T*>(t.data), t.rows, t.cols, t.stride};
}

/// Whether every row starts at a multiple of 16 bytes.
inline bool rows_aligned(const Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 &&
         (t.rows <= 1 || t.stride * static_cast<int64_t>(size_of(t.dtype)) % 16 == 0);
}

/// Calls body.operator()<T>() with float, bf16 or f16.
template <class Body>
void by_type(DType type, Body&& body) {
  switch (type) {
    case DType::f32: return body.template operator()<float>();
    case DType::bf16: return body.template operator()<bf16>();
    case DType::f16: return body.template operator()<f16>();
    case DType::u8:
    case DType::i8:
    case DType::i32: break;
  }
  throw Error(Code::unsupported, std::string("[cuda] expected a floating type, got ") + name_of(type));
}

constexpr int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }

/// Blocks for n things, so many a block. Kernels that stride over the grid may pass a limit.
inline unsigned blocks_for(int64_t n, int64_t per_block, int64_t limit = 0x7fffffff) {
  const int64_t blocks = ceil_div(n, per_block);
  return static_cast<unsigned>(blocks < limit ? blocks : limit);
}

struct LaunchShape {
  const char* name;  // for messages
  dim3 grid;
  dim3 block;
  size_t shared = 0;  // bytes of dynamic shared memory
};

/// How many kernels this thread has launched, products of cuBLASLt among them: for the profile.
inline thread_local int64_t launches_of_thread = 0;

/// Puts a kernel on a stream. Throws Code::device naming it when the launch is refused.
template <class... P, class... A>
void launch(cudaStream_t stream, const LaunchShape& shape, void (*kernel)(P...), const A&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "one argument for each parameter of the kernel");
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  std::tuple<P...> values(static_cast<P>(arguments)...);
#ifdef CW_CUDA_EMULATED
  const cudaError_t error = emulation::launch_on(stream, {shape.name, shape.grid, shape.block, shape.shared},
                                                 [kernel, values] { std::apply(kernel, values); });
#else
  constexpr size_t kWithoutAsking = 32 * 1024;  // of the 48 KiB in all; static shared memory counts, too
  const auto* function = reinterpret_cast<const void*>(kernel);
  cudaError_t error = cudaSuccess;
  if (shape.shared > kWithoutAsking) error = allow_shared(function, shape.shared);
  if (error == cudaSuccess)
    std::apply(
        [&](auto&... each) {
          void* pointers[] = {static_cast<void*>(&each)..., nullptr};
          error = cudaLaunchKernel(function, shape.grid, shape.block, pointers, shape.shared, stream);
        },
        values);
#endif
  if (error != cudaSuccess) check(error, (std::string("launching kernel ") + shape.name).c_str());
  ++launches_of_thread;
}

}  // namespace cw
