// Sums over the parts that kernels of losses over pairs leave.
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/kernels/pair_sweeps.h"

namespace cw {
namespace {

constexpr int kSumThreads = 1024, kAddThreads = 256;

__global__ void add_sums_kernel(const float* sums, int64_t count, float* y, bool accumulate) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kSumThreads) sum += static_cast<double>(sums[i]);
  sum = reduce_block(sum);
  if (threadIdx.x == 0) *y = static_cast<float>(sum + (accumulate ? *y : 0.0f));
}

/// y[i] = Σ parts[·][i]
__global__ void add_parts_kernel(const float* parts, int64_t count, int64_t size, float* y) {
  const int64_t i = first_thread();
  if (i >= size) return;
  float sum = 0;
  for (int64_t p = 0; p < count; ++p) sum += parts[p * size + i];
  y[i] = sum;
}

}  // namespace

void add_sums(cudaStream_t stream, const Tensor& sums, const Tensor& y, bool accumulate) {
  launch(stream, {"add_sums", 1, kSumThreads}, add_sums_kernel, sums.as<float>(), sums.cols, y.as<float>(), accumulate);
}

void add_parts(cudaStream_t stream, const Tensor& parts, const Tensor& y) {
  launch(stream, {"add_parts", blocks_for(parts.cols, kAddThreads), kAddThreads}, add_parts_kernel, parts.as<const float>(),
         parts.rows, parts.cols, y.as<float>());
}

}  // namespace cw
