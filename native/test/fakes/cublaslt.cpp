// Functions with the names of cuBLASLt's, for a library that can be found; they are not to be called.
#include "ops/cuda/cublaslt/cublaslt.h"

extern "C" {
#define CW_FAKE(name) \
  __attribute__((visibility("default"))) size_t cublasLt##name() { return 130000; }
CW_FOR_EACH_LT_FUNCTION(CW_FAKE)
#undef CW_FAKE
}
