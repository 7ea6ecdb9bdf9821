#include "ops/cpu/widen.h"

#include "ops/cpu/kernels/table.h"

namespace cw {

Tensor widened_output(Workspace& work, const Tensor& y) {
  return y.dtype == DType::f32 ? y : work.take(y.rows, y.cols, DType::f32);
}

Tensor widened(Workspace& work, const Tensor& x) {
  const Tensor wide = widened_output(work, x);
  narrow(work, x, wide);
  return wide;
}

WeightView widened(Workspace& work, const WeightView& view, Weight& holder) {
  const Weight& weight = *view.weight;
  const Tensor part = weight.input_major ? weight.compute : weight.compute.row_range(view.first, view.out_features());
  holder.compute = holder.master = widened(work, part);
  holder.input_major = weight.input_major;
  return {.weight = &holder};
}

void narrow(Workspace& work, const Tensor& wide, const Tensor& y) {
  if (work.live() && wide.data != y.data) kernels().cast(wide, y);
}

}  // namespace cw
