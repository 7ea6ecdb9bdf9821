// Host memory for tensors.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace cw {

/// Zeroed, 64-byte aligned at least, in huge pages where that saves address translations. Throws out_of_memory.
std::unique_ptr<Buffer> allocate_host(size_t bytes);

}  // namespace cw
