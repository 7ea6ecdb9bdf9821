// linear_weight_grad: a cuBLASLt product of dy and x, and the column sums of dy (a bias gradient epilogue could not add to
// what is there).
#include "ops/cuda/backend.h"
#include "ops/cuda/column_sums.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

void weight_grad(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const LinearWeightGrad& op) {
  if (op.db) column_sums(work, stream, multiprocessors, op.dy, op.db.as<float>(), op.accumulate);
  if (!op.dw) return;
  const Tensor& left = op.input_major ? op.x : op.dy;  // dw's rows are its columns
  const Tensor& right = op.input_major ? op.dy : op.x;
  products.multiply(work, stream,
                    {.a = {left, true}, .b = {right}, .add = op.accumulate ? op.dw : Tensor{}, .c = op.dw});
}

}  // namespace

void CudaBackend::execute(const LinearWeightGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  weight_grad(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const LinearWeightGrad& op) const {
  Workspace work = Workspace::measuring();
  weight_grad(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
