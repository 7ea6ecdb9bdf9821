#include "ops/cpu/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/poison.h"
#include "ops/cpu/cgroup.h"

namespace cw {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

std::string readable(size_t bytes) {
  return std::to_string(bytes) + " bytes (" + std::to_string((bytes >> 20) + 1) + " MiB)";
}

[[noreturn]] void refuse(size_t bytes, const std::string& why) {
  throw Error(Code::out_of_memory, "[cpu] asked for " + readable(bytes) + " of memory, " + why +
                                       "; a smaller batch, microBatch or activation checkpointing needs less");
}

/// SIZE_MAX where the kernel does not say.
size_t machine_memory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kib) == 1) return static_cast<size_t>(kib) << 10;
  }
  return SIZE_MAX;
}

/// Pages straight from the kernel: zero already, and a refusal can be reported.
class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(size_t bytes) {
    if (bytes > SIZE_MAX / 2) refuse(bytes, "which is more than an address space holds");
    bytes_ = bytes;
    const bool large = bytes >= 2 * kHugePage;
    if (large) {
      const size_t available = available_memory();
      if (bytes > available) refuse(bytes, "and this process has " + readable(available) + " left");
    }
    // A large block gets room to start at a huge page's boundary.
    mapped_ = round_up(std::max<size_t>(bytes, 1), static_cast<size_t>(sysconf(_SC_PAGESIZE))) + (large ? kHugePage : 0);
    base_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) refuse(bytes, "and the system refused");
    data_ = base_;
    if (large) {
      data_ = reinterpret_cast<void*>(round_up(reinterpret_cast<uintptr_t>(base_), kHugePage));
      madvise(data_, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // advice only: nothing depends on whether it is taken
    }
    std::byte* const end = static_cast<std::byte*>(data_) + bytes;
    poison(end, static_cast<size_t>(static_cast<std::byte*>(base_) + mapped_ - end));
  }
  ~HostBuffer() override {
    unpoison(base_, mapped_);  // the next mapping may lie here
    munmap(base_, mapped_);
  }

 private:
  void* base_ = nullptr;
  size_t mapped_ = 0;
};

}  // namespace

void advise_pages(void* data, size_t bytes, Pages pages) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = round_up(reinterpret_cast<uintptr_t>(data), page);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, pages == Pages::small ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
}

size_t available_memory(const std::string& root) {
  const std::optional<CgroupMemory> group = cgroup_memory(root);
  return std::min(machine_memory(root), group ? group->available : SIZE_MAX);
}

std::unique_ptr<Buffer> allocate_host(size_t bytes) { return std::make_unique<HostBuffer>(bytes); }

}  // namespace cw
