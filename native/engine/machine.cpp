#include "engine/machine.h"

#include "ops/cpu/cpu.h"

namespace cw {

Machine describe_machine() {
  const CpuDescription cpu = describe_cpu();
  return {.isa = cpu.isa, .onednn = cpu.onednn, .fast_bf16 = cpu.fast_bf16, .threads = cpu.threads,
          .available_memory = cpu.available_memory, .cgroup_memory = cpu.cgroup_memory};
}

}  // namespace cw
