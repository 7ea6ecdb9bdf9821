// Which of the kernels' instruction sets runs: the best that the machine has and CLIPWRIGHT_MAX_ISA allows.
#pragma once
#include <cstdint>

namespace cw {

enum class Isa : uint8_t { avx2, avx512, avx512_bf16 };

const char* name_of(Isa isa);

/// Decided once for the process, before oneDNN's first call, which is held to the same limit. Throws unsupported on a
/// machine without AVX2, FMA and F16C, invalid_argument when CLIPWRIGHT_MAX_ISA is not one of its values.
Isa selected_isa();

}  // namespace cw
