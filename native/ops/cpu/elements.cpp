#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Clamp& op) { kernels().clamp(op); }

void CpuBackend::run(const Fill& op) { kernels().fill(op); }

void CpuBackend::run(const Tanh& op) { kernels().tanh(op); }

void CpuBackend::run(const TanhGrad& op) { kernels().tanh_grad(op); }

void CpuBackend::run(const Cast& op) { kernels().cast(op.x, op.y); }

}  // namespace cw
