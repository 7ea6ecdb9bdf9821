#include "ops/cpu/column_sums.h"

#include "ops/cpu/kernels/table.h"
#include "ops/cpu/widen.h"

namespace cw {

void column_sums(Workspace& work, const Tensor& x, const Tensor& y, bool accumulate) {
  const Frame frame(work.arena());
  const Tensor readable = x.dtype == DType::f16 ? widened(work, x) : x;
  const Tensor partials = work.take(sum_chunks(x.rows), x.cols, DType::f32);
  if (!work.live()) return;
  kernels().column_sums(readable, partials);
  kernels().add_partials(partials, y.as<float>(), accumulate);
}

}  // namespace cw
