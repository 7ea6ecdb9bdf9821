// What the rest of the product sees of the CUDA backend; no CUDA header is needed for it.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace cw {

/// The card with this index. Throws no_cuda naming what is missing (driver, library, a supported card, that index) and
/// what to install.
std::unique_ptr<Backend> make_cuda_backend(int index);

}  // namespace cw
