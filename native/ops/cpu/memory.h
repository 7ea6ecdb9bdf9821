// Host memory for tensors.
#pragma once
#include <memory>
#include <string>

#include "ops/backend.h"

namespace cw {

/// Zeroed, 64-byte aligned at least, in huge pages where that saves address translations. Throws out_of_memory.
std::unique_ptr<Buffer> allocate_host(size_t bytes);

/// The pages that new memory comes in, whole ones of these bytes. Advice only: nothing depends on whether it is taken.
enum class Pages : uint8_t { small, large };
void advise_pages(void* data, size_t bytes, Pages pages);

/// What the machine could still hand out to this process, as the kernel counts it, and no more than its cgroup leaves it;
/// SIZE_MAX when neither says. Pages of a mapping are found only when they are written, and what is not there then ends the
/// process: so large blocks are refused before. root: where /proc and /sys are.
size_t available_memory(const std::string& root = "");

}  // namespace cw
