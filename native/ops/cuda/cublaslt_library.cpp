// The real cuBLASLt.
#include "ops/cuda/cublaslt_search.h"

namespace cw::lt {

const Library& library() {
  static const Library loaded = open_library();  // after a failure, the next call tries again
  return loaded;
}

}  // namespace cw::lt
