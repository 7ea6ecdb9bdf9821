#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

size_t CpuBackend::scratch(const Attention& op) const { return kernels().attention_scratch(op, threads()); }
size_t CpuBackend::scratch(const AttentionGrad& op) const { return kernels().attention_grad_scratch(op, threads()); }

void CpuBackend::run(const Attention& op) { kernels().attention(op, scratch_block(), threads()); }
void CpuBackend::run(const AttentionGrad& op) { kernels().attention_grad(op, scratch_block(), threads()); }

}  // namespace cw
