#include "ops/cpu/backend.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

void CpuBackend::run(const Embed& op) { kernels().embed(op); }
void CpuBackend::run(const EmbedGrad& op) { kernels().embed_grad(op); }
void CpuBackend::run(const VisionTokens& op) { kernels().vision_tokens(op); }
void CpuBackend::run(const VisionTokensGrad& op) { kernels().vision_tokens_grad(op); }
void CpuBackend::run(const Patchify& op) { kernels().patchify(op); }

}  // namespace cw
