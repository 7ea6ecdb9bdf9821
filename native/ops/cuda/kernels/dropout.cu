// dropout: one draw of Philox for a run of eight elements.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/dropout.cuh"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void dropout_kernel(View<const T> x, View<const T> residual, View<T> y, const int32_t* rows,
                               View<const int32_t> places, DropArguments drop, bool aligned) {
  const Runs runs{y.rows, y.cols};
  const DropoutStream stream = drop.stream();
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i), left = y.cols - c;
    float v[kRun], sum[kRun] = {};
    load_run(x.row(r) + c, left, aligned, v);
    if (residual.data) load_run(residual.row(r) + c, left, aligned, sum);
    const int64_t row = rows ? rows[r] : r;
    const uint32_t sequence = drop.first_sequence() + static_cast<uint32_t>(places.row(0)[row]);
    const Philox4 draw =
        draw_columns(stream, sequence, static_cast<uint32_t>(places.row(1)[row]), static_cast<uint32_t>(c / kRun));
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum[k] = fmaf(v[k], drop.factor(dropout_bits(draw, k)), sum[k]);
    store_run(y.row(r) + c, left, aligned, sum);
  }
}

}  // namespace

void CudaBackend::execute(const Dropout& op) {
  by_type(op.x.dtype, [&]<class T>() {
    const bool aligned = rows_aligned(op.x) && rows_aligned(op.y) && (!op.residual || rows_aligned(op.residual));
    launch(stream(), {"dropout", blocks_for(Runs{op.y.rows, op.y.cols}.count(), kThreads), kThreads}, dropout_kernel<T>,
           view<const T>(op.x), view<const T>(op.residual), view<T>(op.y), op.rows.as<int32_t>(),
           view<const int32_t>(op.drop.draws.places), drop_arguments(op.drop), aligned);
  });
}

}  // namespace cw
