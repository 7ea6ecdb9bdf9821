// Which of the kernels' instruction sets runs: the best that the machine has and CLIPWRIGHT_MAX_ISA allows.
#pragma once
#include <cstdint>

namespace cw {

enum class Isa : uint8_t { avx2, avx512, avx512_bf16 };

const char* name_of(Isa isa);

/// Decided once for the process, before oneDNN's first call, which is held to the same limit. Throws unsupported on a
/// machine without AVX2, FMA and F16C, invalid_argument when CLIPWRIGHT_MAX_ISA is not one of its values.
Isa selected_isa();

/// Whether bf16 products beat f32 ones here. They do on AMX, and with AVX512-BF16 on AMD (2 : 1 on Zen 4). Intel's cores
/// without AMX multiply bf16 pairs at half the pace (182 against 306 GFLOP/s on Emerald Rapids), and where AVX512-BF16 is
/// missing oneDNN emulates it at a fifth of f32's. A fixed rule, not a race of the two: a run must repeat bit for bit.
bool fast_bf16();

/// Whether our own kernels, which do not know AMX, multiply pairs of bf16: where that beats f32 (on AMD; 165 against 122 ms of
/// backward attention in a step on Emerald Rapids), and where CLIPWRIGHT_MAX_ISA is avx512_bf16, so that tests reach them.
bool multiplies_bf16_pairs();

/// Whether oneDNN adds products of 8-bit numbers in 32 bits (VNNI and later).
bool exact_int8();

/// Whether products of 8-bit numbers are our own kernel's: where it beats oneDNN, which without VNNI and AVX-512 reaches two thirds
/// of its pace (Zen 3).
bool own_rounded();

}  // namespace cw
