// Ops that have no kernels yet. Whoever writes one takes its line out of here.
#include "core/error.h"
#include "ops/cuda/backend.h"

namespace cw {

#define CW_MISSING(Struct) \
  void CudaBackend::execute(const Struct&) { throw Error(Code::unsupported, "[cuda] " #Struct " has no CUDA kernel yet"); }
CW_MISSING(InfoNce)
CW_MISSING(InfoNceLoss)
CW_MISSING(InfoNceGrad)
CW_MISSING(GradNorm)
CW_MISSING(OptimizerStep)
CW_MISSING(UpdateLossScale)
#undef CW_MISSING

}  // namespace cw
