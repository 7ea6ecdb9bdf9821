// Ops that have no kernels yet. Whoever writes one takes its line out of here.
#include "core/error.h"
#include "ops/cuda/backend.h"

namespace cw {

#define CW_MISSING(Struct) \
  void CudaBackend::execute(const Struct&) { throw Error(Code::unsupported, "[cuda] " #Struct " has no CUDA kernel yet"); }
#undef CW_MISSING

}  // namespace cw
