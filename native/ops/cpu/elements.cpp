#include "core/error.h"
#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Clamp& op) { kernels().clamp(op); }

void CpuBackend::run(const Fill& op) { kernels().fill(op); }

void CpuBackend::run(const Cast& op) {
  if (op.x.dtype == DType::f16 || op.y.dtype == DType::f16)
    throw Error(Code::unsupported, "[cast] the CPU backend has no f16; use bf16");
  kernels().activation(Act::none, op.x, {}, op.y);
}

}  // namespace cw
