#include <omp.h>

#include <dnnl.hpp>

#include "ops/cpu/cgroup.h"
#include "ops/cpu/cpu.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/memory.h"

namespace cw {

CpuDescription describe_cpu() {
  const std::optional<CgroupMemory> group = cgroup_memory();
  const dnnl_version_t* v = dnnl::version();
  return {.isa = name_of(selected_isa()),
          .onednn = std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch),
          .fast_bf16 = fast_bf16(),
          .threads = omp_get_num_procs(),
          .available_memory = available_memory(),
          .cgroup_memory = group ? group->limit : 0};
}

}  // namespace cw
