#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Swiglu& op) { kernels().swiglu(op); }

void CpuBackend::run(const SwigluGrad& op) { kernels().swiglu_grad(op); }

}  // namespace cw
