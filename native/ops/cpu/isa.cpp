#include "ops/cpu/isa.h"

#include <dnnl.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/error.h"

namespace cw {
namespace {

Isa machine_isa() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c"))
    throw Error(Code::unsupported, "this processor lacks AVX2, FMA or F16C, which the CPU backend needs");
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return Isa::avx2;
  return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
}

Isa select() {
  const Isa machine = machine_isa();
  const char* variable = std::getenv("CLIPWRIGHT_MAX_ISA");
  const std::string limit = variable ? variable : "amx";
  if (limit == "amx") return machine;
  const auto hold = [&](Isa isa, dnnl::cpu_isa onednn) {
    dnnl::set_max_cpu_isa(onednn);  // refused after oneDNN's first call; then it is at its own choice, still correct
    return std::min(machine, isa);
  };
  if (limit == "avx2") return hold(Isa::avx2, dnnl::cpu_isa::avx2);
  if (limit == "avx512") return hold(Isa::avx512, dnnl::cpu_isa::avx512_core);
  if (limit == "avx512_bf16") return hold(Isa::avx512_bf16, dnnl::cpu_isa::avx512_core_bf16);
  throw Error(Code::invalid_argument, "CLIPWRIGHT_MAX_ISA: expected avx2, avx512, avx512_bf16 or amx, got '" + limit + "'");
}

}  // namespace

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512_bf16: return "avx512_bf16";
  }
  return "?";
}

Isa selected_isa() {
  static const Isa isa = select();
  return isa;
}

bool fast_bf16() {
  static const bool fast = [] {
    const Isa isa = selected_isa();  // first: it holds oneDNN to the same limit
    const auto onednn = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto amx = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
    return (onednn & amx) == amx || (isa >= Isa::avx512_bf16 && __builtin_cpu_is("amd"));
  }();
  return fast;
}

}  // namespace cw
