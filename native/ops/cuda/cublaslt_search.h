// Where cuBLASLt comes from: the system, a CUDA toolkit, or the wheel that PyTorch and others install for Python.
#pragma once
#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw::lt {

/// CLIPWRIGHT_CUBLASLT names the file; else version 13, then 12, is looked for. Throws no_cuda saying where, and what was wrong
/// with files that were found.
Library open_library();

}  // namespace cw::lt
