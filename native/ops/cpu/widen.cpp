#include "ops/cpu/widen.h"

#include "ops/cpu/kernels/table.h"

namespace cw {

Tensor widened(Workspace& work, const Tensor& x) {
  if (x.dtype == DType::f32) return x;
  const Tensor wide = work.take(x.rows, x.cols, DType::f32);
  if (work.live()) kernels().cast(x, wide);
  return wide;
}

}  // namespace cw
