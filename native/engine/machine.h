// What this machine has and what is used of it, for doctor-like messages and benchmarks.
#pragma once
#include <string>

namespace cw {

struct Machine {
  std::string isa;     // the kernels' level: avx2, avx512, avx512_bf16
  std::string onednn;  // its version and the ISA it chose
  int threads = 1;
};

Machine describe_machine();

}  // namespace cw
