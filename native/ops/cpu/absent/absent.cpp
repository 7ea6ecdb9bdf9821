// In place of the fast CPU backend where programs are built without oneDNN (CLIPWRIGHT_CPU=OFF): those of the card's kit.
#include <thread>

#include "core/error.h"
#include "ops/cpu/cpu.h"

namespace cw {

std::unique_ptr<Backend> make_cpu_backend(int) {
  throw Error(Code::unsupported, "device 'cpu' was asked for, but this program was built without it; use 'cuda' or 'reference'");
}

CpuDescription describe_cpu() {
  return {.isa = "none", .onednn = "none", .threads = static_cast<int>(std::thread::hardware_concurrency())};
}

}  // namespace cw
