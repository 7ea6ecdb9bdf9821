// vision_tokens and vision_tokens_grad.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/index_add.h"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// A warp a row. aligned: all rows that it touches.
template <class T>
__global__ void vision_tokens_kernel(View<const T> patches, const float* class_embedding, View<const float> positions,
                                     const int32_t* source, const int32_t* position_ids, const int32_t* end, View<T> y,
                                     bool aligned) {
  const int64_t row = first_thread() / kWarp;
  if (row >= y.rows) return;
  const bool filler = row >= *end;
  const int64_t patch = filler ? -1 : source[row];
  const float* position = filler ? nullptr : positions.row(position_ids[row]);
  for (int64_t c = threadIdx.x % kWarp * kRun; c < y.cols; c += kWarp * kRun) {
    const int64_t left = y.cols - c;
    float v[kRun] = {}, add[kRun];
    if (!filler) {
      if (patch < 0)
        load_run(class_embedding + c, left, aligned, v);
      else
        load_run(patches.row(patch) + c, left, aligned, v);
      load_run(position + c, left, aligned, add);
#pragma unroll
      for (int k = 0; k < kRun; ++k) v[k] += add[k];
    }
    store_run(y.row(row) + c, left, aligned, v);
  }
}

/// For each packed row: token_of[its patch] = row, and class_key[row] = 0 if it is a class token, else 1. Either may be null.
__global__ void sort_out_kernel(const int32_t* source, const int32_t* end, int64_t rows, int32_t* token_of, int32_t* class_key) {
  const int64_t row = first_thread();
  if (row >= rows) return;
  const int patch = source[row];
  if (token_of && row < *end && patch >= 0) token_of[patch] = static_cast<int32_t>(row);
  if (class_key) class_key[row] = patch < 0 ? 0 : 1;
}

/// dpatches[p] = dy[token_of[p]], zeros for a patch without a token. A warp a row.
template <class T>
__global__ void patch_grad_kernel(View<const T> dy, const int32_t* token_of, View<T> dpatches, bool aligned) {
  const int64_t patch = first_thread() / kWarp;
  if (patch >= dpatches.rows) return;
  const int64_t row = token_of[patch];
  for (int64_t c = threadIdx.x % kWarp * kRun; c < dy.cols; c += kWarp * kRun) {
    float v[kRun] = {};
    if (row >= 0) load_run(dy.row(row) + c, dy.cols - c, aligned, v);
    store_run(dpatches.row(patch) + c, dy.cols - c, aligned, v);
  }
}

unsigned warps_for(int64_t rows) { return blocks_for(rows, kThreads / kWarp); }

void backward(Workspace& work, cudaStream_t stream, const VisionTokensGrad& op) {
  const int32_t* end = end_of(op.sequences);
  const Tensor token_of = op.dpatches ? work.take(1, op.dpatches.rows, DType::i32) : Tensor{};
  const Tensor class_key = op.dclass ? work.take(1, op.dy.rows, DType::i32) : Tensor{};
  if (work.live() && (op.dpatches || op.dclass)) {
    if (op.dpatches) CW_CUDA(cudaMemsetAsync(token_of.data, 0xff, token_of.bytes(), stream));  // -1: no token
    launch(stream, {"sort_out", blocks_for(op.dy.rows, kThreads), kThreads}, sort_out_kernel, op.source.as<int32_t>(), end,
           op.dy.rows, token_of.as<int32_t>(), class_key.as<int32_t>());
  }
  if (work.live() && op.dpatches)
    by_type(op.dy.dtype, [&]<class T>() {
      launch(stream, {"patch_grad", warps_for(op.dpatches.rows), kThreads}, patch_grad_kernel<T>, view<const T>(op.dy),
             token_of.as<int32_t>(), view<T>(op.dpatches), rows_aligned(op.dy) && rows_aligned(op.dpatches));
    });
  const auto add = [&](const Tensor& ids, const Tensor& y) {
    if (!y) return;
    index_add(work, stream, {.x = op.dy, .keys = {.ids = ids, .end = end, .count = y.rows}, .y = y, .accumulate = op.accumulate});
  };
  add(class_key, op.dclass);
  add(op.position_ids, op.dpositions);
}

}  // namespace

void CudaBackend::execute(const VisionTokens& op) {
  by_type(op.y.dtype, [&]<class T>() {
    const bool aligned = rows_aligned(op.patches) && rows_aligned(op.class_embedding) && rows_aligned(op.positions) &&
                         rows_aligned(op.y);
    launch(stream(), {"vision_tokens", warps_for(op.y.rows), kThreads}, vision_tokens_kernel<T>, view<const T>(op.patches),
           op.class_embedding.as<float>(), view<const float>(op.positions), op.source.as<int32_t>(),
           op.position_ids.as<int32_t>(), end_of(op.sequences), view<T>(op.y), aligned);
  });
}

void CudaBackend::execute(const VisionTokensGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, stream(), op);
}
size_t CudaBackend::scratch(const VisionTokensGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, stream(), op);
  return work.peak();
}

}  // namespace cw
