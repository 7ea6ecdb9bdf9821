// linear_weight_grad: a cuBLASLt product of dy and x, and the column sums of dy in two stages of fixed order (a bias
// gradient epilogue could not add to what is there).
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

constexpr int kLanes = 32;                    // runs of columns a block sums
constexpr int kRowsAtOnce = 8;                // rows it reads at a time
constexpr int kColumns = kLanes * kRun;       // columns a block sums
constexpr int kChunk = 128;                   // rows a block sums
constexpr int kThreads = kLanes * kRowsAtOnce;

/// partial[chunk, col] = sums over a chunk's rows. Grid: columns, chunks.
template <class T>
__global__ void column_sums_kernel(View<const T> x, View<float> partial, bool aligned) {
  CW_SHARED(float, sums, [kRowsAtOnce][kColumns]);
  const int lane = threadIdx.x % kLanes, phase = threadIdx.x / kLanes;
  const int64_t col = static_cast<int64_t>(blockIdx.x) * kColumns + lane * kRun;
  const int64_t first = static_cast<int64_t>(blockIdx.y) * kChunk;
  const int64_t end = first + kChunk < x.rows ? first + kChunk : x.rows;
  float sum[kRun] = {};
  if (col < x.cols)
    for (int64_t r = first + phase; r < end; r += kRowsAtOnce) {
      float v[kRun];
      load_run(x.row(r) + col, x.cols - col, aligned, v);
#pragma unroll
      for (int k = 0; k < kRun; ++k) sum[k] += v[k];
    }
#pragma unroll
  for (int k = 0; k < kRun; ++k) sums[phase][lane * kRun + k] = sum[k];
  __syncthreads();
  const int64_t mine = static_cast<int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  if (mine >= x.cols) return;
  float all = 0;
#pragma unroll
  for (int p = 0; p < kRowsAtOnce; ++p) all += sums[p][threadIdx.x];
  partial.row(blockIdx.y)[mine] = all;
}
static_assert(kThreads == kColumns, "a thread for each column at the end");

/// y (+)= sums over the chunks.
__global__ void add_chunks_kernel(View<const float> partial, float* y, bool accumulate) {
  const int64_t col = first_thread();
  if (col >= partial.cols) return;
  float sum = 0;
  for (int64_t r = 0; r < partial.rows; ++r) sum += partial.row(r)[col];
  y[col] = accumulate ? y[col] + sum : sum;
}

void bias_grad(Workspace& work, cudaStream_t stream, const LinearWeightGrad& op) {
  const Frame frame(work.arena());
  const Tensor partial = work.take(ceil_div(op.dy.rows, kChunk), op.dy.cols, DType::f32);
  if (!work.live()) return;
  by_type(op.dy.dtype, [&]<class T>() {
    launch(stream, {"column_sums", {blocks_for(op.dy.cols, kColumns), static_cast<unsigned>(partial.rows)}, kThreads},
           column_sums_kernel<T>, view<const T>(op.dy), view<float>(partial), rows_aligned(op.dy));
  });
  launch(stream, {"add_chunks", blocks_for(op.dy.cols, kThreads), kThreads}, add_chunks_kernel, view<const float>(partial),
         op.db.as<float>(), op.accumulate);
}

void weight_grad(Products& products, Workspace& work, cudaStream_t stream, const LinearWeightGrad& op) {
  if (op.db) bias_grad(work, stream, op);
  if (!op.dw) return;
  const Tensor& left = op.input_major ? op.x : op.dy;  // dw's rows are its columns
  const Tensor& right = op.input_major ? op.dy : op.x;
  products.multiply(work, stream,
                    {.a = {left, true}, .b = {right}, .add = op.accumulate ? op.dw : Tensor{}, .c = op.dw});
}

}  // namespace

void CudaBackend::execute(const LinearWeightGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  weight_grad(*products_, work, stream(), op);
}
size_t CudaBackend::scratch(const LinearWeightGrad& op) const {
  Workspace work = Workspace::measuring();
  weight_grad(*products_, work, stream(), op);
  return work.peak();
}

}  // namespace cw
