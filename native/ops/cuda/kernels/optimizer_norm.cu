// grad_norm and update_loss_scale: one launch each over all parameters, a block a chunk (chunks.h).
#include "ops/cuda/backend.h"
#include "ops/cuda/chunks.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/optimizer.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"
#include "ops/loss_scale.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kThreads = 256;
constexpr int kFinalThreads = 1024;

/// sums[block] = Σ g² of a chunk: short sums in float, the rest in double.
__global__ void squares_kernel(const Segment* segments, int64_t count, const int64_t* starts, double* sums) {
  const Chunk chunk = chunk_of_block(segments, count, starts);
  const float* grad = chunk.segment->grad;
  const bool aligned = at_16_bytes(grad);
  float sum = 0;
  for (int64_t i = chunk.first + threadIdx.x * kRun; i < chunk.end; i += kThreads * kRun) {
    float g[kRun];
    load_run(grad + i, chunk.end - i, aligned, g);
#pragma unroll
    for (int k = 0; k < kRun; ++k) sum = fmaf(g[k], g[k], sum);
  }
  const double all = reduce_block(static_cast<double>(sum));
  if (threadIdx.x == 0) sums[blockIdx.x] = all;
}

__global__ void norm_kernel(const double* sums, int64_t count, const float* loss_scale, const float* loss,
                            float* control) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kFinalThreads) sum += sums[i];
  sum = reduce_block(sum);
  if (threadIdx.x != 0) return;
  const double scale = loss_scale ? loss_scale[static_cast<int>(LossScale::value)] : 1.0;
  const double norm = sqrt(sum) / scale, limit = at(control, Control::max_norm);
  const bool finite = norm < INFINITY;  // NaN is not
  at(control, Control::norm) = static_cast<float>(norm);
  const float most = at(control, Control::max_loss);
  const bool jumped = loss && most > 0 && !(*loss <= most);
  at(control, Control::skip) = !finite ? 1.0f : jumped ? 2.0f : 0.0f;
  at(control, Control::step) += finite && !jumped ? 1.0f : 0.0f;
  at(control, Control::clip) = static_cast<float>((finite && limit > 0 && norm > limit ? limit / norm : 1.0) / scale);
}

__global__ void loss_scale_kernel(const float* control, float* loss_scale, float growth_interval) {
  next_loss_scale(control, loss_scale, growth_interval);
}

struct NormScratch {
  Tensor starts, sums;

  NormScratch(Workspace& work, const Segments& segments)
      : starts(take_starts(work, segments)), sums(work.take(chunks_of(segments), sizeof(double), DType::u8)) {}
};

}  // namespace

void CudaBackend::execute(const GradNorm& op) {
  Workspace work = Workspace::over(scratch_arena());
  const NormScratch scratch(work, op.segments);
  const Segment* segments = on_device(op.segments);
  const int64_t count = op.segments.count, chunks = scratch.sums.rows;
  put_starts(stream(), segments, count, scratch.starts);
  launch(stream(), {"grad_squares", blocks_for(chunks, 1), kThreads}, squares_kernel, segments, count,
         scratch.starts.as<int64_t>(), scratch.sums.as<double>());
  launch(stream(), {"grad_norm", 1, kFinalThreads}, norm_kernel, scratch.sums.as<double>(), chunks, op.loss_scale.as<float>(),
         op.loss.as<float>(), op.control.as<float>());
}
size_t CudaBackend::scratch(const GradNorm& op) const {
  Workspace work = Workspace::measuring();
  NormScratch(work, op.segments);
  return work.peak();
}

void CudaBackend::execute(const UpdateLossScale& op) {
  launch(stream(), {"update_loss_scale", 1, 1}, loss_scale_kernel, op.control.as<float>(), op.loss_scale.as<float>(),
         static_cast<float>(op.growth_interval));
}

}  // namespace cw
