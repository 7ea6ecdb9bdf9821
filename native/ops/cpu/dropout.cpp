#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Dropout& op) { kernels().dropout(op); }

}  // namespace cw
