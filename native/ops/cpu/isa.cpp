#include "ops/cpu/isa.h"

#include <dnnl.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/names.h"

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

/// What CLIPWRIGHT_MAX_ISA may hold the kernels and oneDNN to; amx is no limit.
struct Level {
  Isa isa;
  std::optional<dnnl::cpu_isa> onednn;
};
constexpr Named<Level> kLevels[] = {{"avx2", {Isa::avx2, dnnl::cpu_isa::avx2}},
                                    {"avx512", {Isa::avx512, dnnl::cpu_isa::avx512_core}},
                                    {"avx512_bf16", {Isa::avx512_bf16, dnnl::cpu_isa::avx512_core_bf16}},
                                    {"amx", {Isa::avx512_bf16, {}}}};

const char* asked() { return std::getenv("CLIPWRIGHT_MAX_ISA"); }

/// On Intel's cores an instruction for bf16 pairs takes as long as several of f32.
bool fast_pairs() { return selected_isa() >= Isa::avx512_bf16 && __builtin_cpu_is("amd"); }

Isa select() {
  const Isa machine = machine_isa();
  const char* variable = asked();
  const Level& limit = named(kLevels, variable ? variable : "amx", "CLIPWRIGHT_MAX_ISA");
  if (!limit.onednn) return machine;
  dnnl::set_max_cpu_isa(*limit.onednn);  // refused after oneDNN's first call; then it is at its own choice, still correct
  return std::min(machine, limit.isa);
}

}  // namespace

const char* name_of(Isa isa) {
  for (const Named<Level>& level : kLevels)
    if (level.value.isa == isa) return level.name;
  return "?";
}

Isa selected_isa() {
  static const Isa isa = select();
  return isa;
}

bool fast_bf16() {
  static const bool fast = [] {
    selected_isa();  // first: it holds oneDNN to the same limit
    const auto onednn = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto amx = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
    return (onednn & amx) == amx || fast_pairs();
  }();
  return fast;
}

bool multiplies_bf16_pairs() {
  static const bool pairs = [] {
    const char* const name = asked();
    return selected_isa() == Isa::avx512_bf16 && (fast_pairs() || (name && name == std::string_view("avx512_bf16")));
  }();
  return pairs;
}

bool exact_int8() {
  selected_isa();  // first: it holds oneDNN to the same limit
  const auto onednn = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [&](dnnl::cpu_isa isa) { return (onednn & static_cast<unsigned>(isa)) == static_cast<unsigned>(isa); };
  return has(dnnl::cpu_isa::avx512_core_vnni) || has(dnnl::cpu_isa::avx2_vnni);
}

bool own_rounded() { return selected_isa() == Isa::avx2 && !exact_int8(); }

}  // namespace cw
