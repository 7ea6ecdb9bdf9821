// Rotary positions (https://arxiv.org/abs/2104.09864): each head's channels turn in pairs. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Row t of x stands at packed row p = rows[t], and goes by row l = position_ids[p] of the table. In each head, with the C/2 pairs
/// i of its C = D/H channels: y[2i] = x[2i]·cos - x[2i+1]·sin and y[2i+1] = x[2i+1]·cos + x[2i]·sin, where cos = table[l, i] and
/// sin = table[l, C/2 + i]. `backwards` turns by the opposite angles, which is also the gradient: dx of dy. A cosine of 1 and a
/// sine of 0 leave a row as it is (class tokens).
struct Rotary {
  Tensor x;             // x [T,D]: queries, keys, or both beside one another
  Tensor table;         // f32 [L,C]
  Tensor position_ids;  // i32 [1,P]
  Tensor rows;          // i32 [1,T], optional: p = t without, and P = T
  Tensor y;             // x [T,D]; may be the same view as x
  int64_t heads = 1;    // of all D
  bool backwards = false;
};

}  // namespace cw
