// What the cgroups of this process leave it of the machine's memory.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

namespace cw {

/// In bytes. `available`: what is left below the limit, the files that the kernel would let go of included.
struct CgroupMemory {
  size_t limit = 0, available = 0;
};

/// The least of the limits of the process's cgroup and of those around it, of version 1 or 2, and the least that any of them
/// leaves; nothing without a limit. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html, …/cgroup-v1/memory.html.
/// root: where /proc and /sys are.
std::optional<CgroupMemory> cgroup_memory(const std::string& root = "");

}  // namespace cw
