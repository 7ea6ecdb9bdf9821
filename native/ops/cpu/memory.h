// Host memory for tensors.
#pragma once
#include <memory>
#include <string>

#include "ops/backend.h"

namespace cw {

/// Zeroed, 64-byte aligned at least, in huge pages where that saves address translations. Throws out_of_memory.
std::unique_ptr<Buffer> allocate_host(size_t bytes);

/// What the machine could still hand out to this process, as the kernel counts it, and no more than its cgroup leaves it;
/// SIZE_MAX when neither says. Pages of a mapping are found only when they are written, and what is not there then ends the
/// process: so large blocks are refused before. root: where /proc and /sys are.
size_t available_memory(const std::string& root = "");

}  // namespace cw
