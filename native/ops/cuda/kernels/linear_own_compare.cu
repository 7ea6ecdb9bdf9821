// Whether two results of one product differ by more than rounding. Counts and a maximum of integers: the order does not matter.
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/own_products.h"

namespace cw {
namespace {

/// found[0] becomes the largest magnitude's bits, which are ordered as integers are.
template <class Y>
__global__ void largest_magnitude_kernel(View<const Y> x, int* found) {
  int most = 0;
  for (int64_t i = first_thread(); i < x.rows * x.cols; i += all_threads())
    most = max(most, __float_as_int(fabsf(as_float(x.row(i / x.cols)[i % x.cols]))));
  atomicMax(found, most);
}

/// found[1] becomes how many differ by more than a last place of theirs and 2^-10 of the largest.
template <class Y>
__global__ void disagreement_kernel(View<const Y> x, View<const Y> y, int* found) {
  constexpr float kPlace = sizeof(Y) == 2 ? 0x1p-7f : 0x1p-12f, kSums = 0x1p-10f;
  const float slack = kSums * __int_as_float(found[0]);
  int differ = 0;
  for (int64_t i = first_thread(); i < x.rows * x.cols; i += all_threads()) {
    const float a = as_float(x.row(i / x.cols)[i % x.cols]), b = as_float(y.row(i / x.cols)[i % x.cols]);
    if (!(fabsf(a - b) <= fmaf(kPlace, fabsf(a), slack))) ++differ;
  }
  if (differ) atomicAdd(found + 1, min(differ, 1));
}

}  // namespace

void count_disagreements(cudaStream_t stream, const Tensor& x, const Tensor& y, int* found) {
  constexpr unsigned kThreads = 256;
  constexpr int64_t kMostBlocks = 2048;
  CW_CUDA(cudaMemsetAsync(found, 0, 2 * sizeof(int), stream));
  const unsigned blocks = blocks_for(x.count(), kThreads, kMostBlocks);
  by_type(x.dtype, [&]<class Y>() {
    launch(stream, {"largest_magnitude", blocks, kThreads}, largest_magnitude_kernel<Y>, view<const Y>(x), found);
    launch(stream, {"disagreement", blocks, kThreads}, disagreement_kernel<Y>, view<const Y>(x), view<const Y>(y), found);
  });
}

}  // namespace cw
