// What this machine has and what is used of it, for doctor-like messages and benchmarks.
#pragma once
#include <string>

#include "ops/cuda/cuda.h"  // describe_cuda: the cards

namespace cw {

struct Machine {
  std::string isa;     // the kernels' level: avx2, avx512, avx512_bf16
  std::string onednn;  // its version
  bool fast_bf16 = false;
  int threads = 1;
  size_t available_memory = 0, cgroup_memory = 0;  // as CpuDescription has them
};

Machine describe_machine();

}  // namespace cw
