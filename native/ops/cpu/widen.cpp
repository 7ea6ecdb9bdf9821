#include "ops/cpu/widen.h"

#include "ops/cpu/kernels/table.h"

namespace cw {

Tensor widened(Workspace& work, const Tensor& x) {
  if (x.dtype == DType::f32) return x;
  const Tensor wide = work.take(x.rows, x.cols, DType::f32);
  if (work.live()) kernels().cast(x, wide);
  return wide;
}

WeightView widened(Workspace& work, const WeightView& view, Weight& holder) {
  const Weight& weight = *view.weight;
  const Tensor part = weight.input_major ? weight.compute : weight.compute.row_range(view.first, view.out_features());
  holder.compute = holder.master = widened(work, part);
  holder.input_major = weight.input_major;
  return {.weight = &holder};
}

}  // namespace cw
