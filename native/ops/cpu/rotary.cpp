#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Rotary& op) { kernels().rotary(op); }

}  // namespace cw
