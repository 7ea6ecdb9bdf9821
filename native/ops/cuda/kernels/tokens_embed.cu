// embed and embed_grad.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/index_add.h"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// A warp a row.
template <class T, class Table>
__global__ void embed_kernel(const int32_t* ids, const int32_t* position_ids, const int32_t* end, View<const Table> table,
                             View<const float> positions, const float* token_type, View<T> y, bool aligned) {
  const int64_t row = first_thread() / kWarp;
  if (row >= y.rows) return;
  const bool filler = row >= *end;
  const Table* token = filler ? nullptr : table.row(ids[row]);
  const float* position = filler ? nullptr : positions.row(position_ids[row]);
  for (int64_t c = threadIdx.x % kWarp * kRun; c < y.cols; c += kWarp * kRun) {
    float v[kRun] = {}, add[kRun];
    if (!filler) {
      load_run(token + c, y.cols - c, aligned, v);
      load_run(position + c, y.cols - c, aligned, add);
#pragma unroll
      for (int k = 0; k < kRun; ++k) v[k] += add[k];
      if (token_type) {
        load_run(token_type + c, y.cols - c, aligned, add);
#pragma unroll
        for (int k = 0; k < kRun; ++k) v[k] += add[k];
      }
    }
    store_run(y.row(row) + c, y.cols - c, aligned, v);
  }
}

void backward(Workspace& work, cudaStream_t stream, const EmbedGrad& op) {
  const auto add = [&](const Tensor& ids, const Tensor& y) {
    if (!y) return;
    index_add(work, stream,
              {.x = op.dy,
               .keys = {.ids = ids, .end = end_of(op.sequences), .count = y.rows},
               .y = y,
               .accumulate = op.accumulate});
  };
  add(op.ids, op.dtable);
  add(op.position_ids, op.dpositions);
}

}  // namespace

void CudaBackend::execute(const Embed& op) {
  by_type(op.y.dtype, [&]<class T>() {
    const auto put = [&]<class Table>(void (*kernel)(const int32_t*, const int32_t*, const int32_t*, View<const Table>,
                                                     View<const float>, const float*, View<T>, bool)) {
      launch(stream(), {"embed", blocks_for(op.y.rows, kThreads / kWarp), kThreads}, kernel, op.ids.as<int32_t>(),
             op.position_ids.as<int32_t>(), end_of(op.sequences), view<const Table>(op.table), view<const float>(op.positions),
             op.token_type.as<float>(), view<T>(op.y),
             rows_aligned(op.table) && rows_aligned(op.positions) && rows_aligned(op.token_type) && rows_aligned(op.y));
    };
    op.table.dtype == DType::bf16 ? put(embed_kernel<T, bf16>) : put(embed_kernel<T, float>);
  });
}

void CudaBackend::execute(const EmbedGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  backward(work, stream(), op);
}
size_t CudaBackend::scratch(const EmbedGrad& op) const {
  Workspace work = Workspace::measuring();
  backward(work, stream(), op);
  return work.peak();
}

}  // namespace cw
