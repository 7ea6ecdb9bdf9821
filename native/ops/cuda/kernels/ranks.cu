// What ranks know of columns, merged: between two collectives, every element by itself. log Σ exp x = m + log Σ exp(x - m), m
// the largest x of all ranks.
#include "ops/cuda/backend.h"
#include "ops/cuda/communicator.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/launch.h"
#include "ops/workspace.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// x = exp(x - m); where no rank has seen anything, m is -infinity and so is x.
__global__ void shifted_exp_kernel(const float* m, float* x, int64_t n) {
  for (int64_t i = first_thread(); i < n; i += all_threads()) x[i] = m[i] == -INFINITY ? 0.0f : expf(x[i] - m[i]);
}

/// x = m + log x
__global__ void shifted_log_kernel(const float* m, float* x, int64_t n) {
  for (int64_t i = first_thread(); i < n; i += all_threads()) x[i] = m[i] == -INFINITY ? m[i] : m[i] + logf(x[i]);
}

Tensor largest(const MergeLse& op, Workspace& w) { return w.take(1, op.x.cols, DType::f32); }

}  // namespace

size_t CudaBackend::scratch(const MergeLse& op) const {
  if (!communicator_) return 0;
  Workspace w = Workspace::measuring();
  largest(op, w);
  return w.peak();
}

void CudaBackend::execute(const MergeLse& op) {
  Workspace w = Workspace::over(scratch_arena());
  auto* m = largest(op, w).as<float>();
  auto* x = op.x.as<float>();
  const int64_t n = op.x.cols;
  const auto each = [&](const char* name, auto* kernel) {
    launch(stream(), {name, blocks_for(n, kThreads), kThreads}, kernel, m, x, n);
  };
  CW_CUDA(cudaMemcpyAsync(m, x, static_cast<size_t>(n) * sizeof(float), cudaMemcpyDeviceToDevice, stream()));
  communicator_->all_reduce(m, n, nccl::max, stream());
  each("shifted_exp", shifted_exp_kernel);
  communicator_->all_reduce(x, n, nccl::sum, stream());
  each("shifted_log", shifted_log_kernel);
}

}  // namespace cw
