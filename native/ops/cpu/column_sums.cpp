#include "ops/cpu/column_sums.h"

#include "ops/cpu/kernels/table.h"

namespace cw {

void column_sums(Workspace& work, const Tensor& x, const Tensor& y, bool accumulate) {
  const Frame frame(work.arena());
  const Tensor partials = work.take(sum_chunks(x.rows), x.cols, DType::f32);
  if (!work.live()) return;
  kernels().column_sums(x, partials);
  kernels().add_partials(partials, y.as<float>(), accumulate);
}

}  // namespace cw
