// Attention, and its gradient. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"
#include "ops/dropout.h"
#include "ops/sequences.h"

namespace cw {

/// Which rows ask. Default: every row of the sequences. Otherwise q, y and lse have R rows: those of sequence s are
/// offsets[s] .. offsets[s+1], and row r stands at packed row positions[r] of the same sequence (it decides what a causal
/// query may see).
struct Queries {
  Tensor offsets;    // i32 [1, S+1]
  Tensor positions;  // i32 [1, R]
  int64_t max_per_sequence = 0;
  explicit operator bool() const { return static_cast<bool>(offsets); }
};

/// y = softmax(q·kᵀ/sqrt(D/H))·v within each sequence and head. q, k, v are usually column ranges of one qkv [T,3D].
/// Rows of y that belong to no sequence are zero, and so is their lse. Probabilities that `drop` leaves out are zero, the others
/// grow by 1/(1 - rate), and lse is of all.
struct Attention {
  Tensor q;     // x [R,D]
  Tensor k, v;  // x [T,D]
  Tensor y;     // x [R,D]
  Tensor lse;   // f32 [H,R] log of the softmax's denominator (scaled logits), optional
  Sequences sequences;
  Queries queries;
  int64_t heads = 1;
  bool causal = false;
  Drop drop;
};

/// Gradients of Attention; probabilities are recomputed from lse, and what was left out is drawn again. Rows that belong to no sequence get zeros.
struct AttentionGrad {
  Tensor q, k, v, y, lse, dy;
  Tensor dq, dk, dv;  // x
  Sequences sequences;
  Queries queries;
  int64_t heads = 1;
  bool causal = false;
  Drop drop;
};

}  // namespace cw
