// The fast backend for x86-64: oneDNN for the products, own kernels for the rest, chosen by instruction set at run time.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include "ops/backend.h"

namespace cw {

/// threads 0: as many as the machine has. To be called, and the backend used, on the thread that owns the session.
std::unique_ptr<Backend> make_cpu_backend(int threads);

struct CpuDescription {
  std::string isa;     // of our kernels: avx2, avx512 or avx512_bf16
  std::string onednn;  // its version
  bool fast_bf16 = false;  // bf16 products beat f32 ones
  int threads = 1;     // processors at hand
  size_t available_memory = 0;  // bytes that this process could still be given
  size_t cgroup_memory = 0;     // bytes that its cgroup allows it; 0: no limit
};
CpuDescription describe_cpu();

}  // namespace cw
