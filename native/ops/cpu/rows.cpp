#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const GatherRows& op) { kernels().gather_rows(op); }
void CpuBackend::run(const ScatterAddRows& op) { kernels().scatter_add_rows(op); }
void CpuBackend::run(const SequenceMean& op) { kernels().sequence_mean(op); }
void CpuBackend::run(const SequenceMeanGrad& op) { kernels().sequence_mean_grad(op); }

}  // namespace cw
