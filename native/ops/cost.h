// What an op computes and moves, for a profile: what its time is held against.
#pragma once
#include "ops/ops.h"

namespace cw {

/// flops: 2 a multiply-add of products and attention; norms, softmax, activations and updates count nothing, and neither does
/// what is computed again rather than kept (lib/models/flops.ts counts the same way). Attention is counted as if all sequences
/// were as long as the longest, and without a causal mask's saving.
/// bytes: every operand read or written once, one that is added to twice.
struct Cost {
  double flops = 0, bytes = 0;
};

#define CW_DECLARE(name, Struct) Cost cost_of(const Struct& op);
CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

}  // namespace cw
