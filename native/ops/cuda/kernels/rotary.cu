// rotary: a thread takes a run of channels, which are whole pairs.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// rows: null where row r of x stands at packed row r. turn: 1, or -1 backwards.
template <class T>
__global__ void rotary_kernel(View<const T> x, View<const float> table, const int* ids, const int* rows, View<T> y, float turn,
                              bool aligned) {
  const Runs runs{y.rows, y.cols};
  const int64_t channels = table.cols;
  for (int64_t i = first_thread(); i < runs.count(); i += all_threads()) {
    const int64_t r = runs.row(i), c = runs.col(i), left = y.cols - c;
    const float* const cosines = table.row(ids[rows ? rows[r] : r]);
    float v[kRun];
    load_run(x.row(r) + c, left, aligned, v);
#pragma unroll
    for (int k = 0; k < kRun; k += 2) {
      const int64_t pair = (c + k) % channels / 2;
      const float cosine = cosines[pair], sine = turn * cosines[channels / 2 + pair], a = v[k], b = v[k + 1];
      v[k] = fmaf(a, cosine, -(b * sine));
      v[k + 1] = fmaf(b, cosine, a * sine);
    }
    store_run(y.row(r) + c, left, aligned, v);
  }
}

}  // namespace

void CudaBackend::execute(const Rotary& op) {
  by_type(op.x.dtype, [&]<class T>() {
    launch(stream(), {"rotary", blocks_for(Runs{op.y.rows, op.y.cols}.count(), kThreads), kThreads}, rotary_kernel<T>,
           view<const T>(op.x), view<const float>(op.table), op.position_ids.as<int>(), op.rows.as<int>(), view<T>(op.y),
           op.backwards ? -1.0f : 1.0f, rows_aligned(op.x) && rows_aligned(op.y));
  });
}

}  // namespace cw
