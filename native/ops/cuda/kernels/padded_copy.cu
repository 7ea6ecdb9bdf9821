// padded_copy: a matrix in another type, stride or size; what is larger gets zeros, what is smaller is cut.
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class X, class Y>
__global__ void copy_kernel(View<const X> x, View<Y> y, bool x_aligned, bool y_aligned) {
  const Runs runs{y.rows, y.cols};
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i);
    float v[kRun] = {};
    if (r < x.rows) load_run(x.row(r) + c, x.cols - c, x_aligned, v);
    store_run(y.row(r) + c, y.cols - c, y_aligned, v);
  }
}

}  // namespace

void padded_copy(cudaStream_t stream, const Tensor& x, const Tensor& y) {
  by_type(x.dtype, [&]<class X>() {
    by_type(y.dtype, [&]<class Y>() {
      launch(stream, {"padded_copy", blocks_for(Runs{y.rows, y.cols}.count(), kThreads), kThreads}, copy_kernel<X, Y>,
             view<const X>(x), view<Y>(y), rows_aligned(x), rows_aligned(y));
    });
  });
}

}  // namespace cw
