// What the ranks that train together do with each other's values. Every rank runs the same ones in the same order; for one
// process alone they copy, or do nothing. Sums go over ranks in their order: the same bits on all of them, every time.
// ops.h has the rules.
#pragma once
#include "core/tensor.h"

namespace cw {

/// y = x of all ranks, one below the other. x has this rank's share of the rows of y (Ranks::share).
struct AllGather {
  Tensor x, y;  // f32, bf16 or f16 [n,C] and [N,C], dense; rows of whole words of four bytes
};

/// y = this rank's share of the rows of Σ x.
struct ReduceScatter {
  Tensor x, y;  // f32 [N,C] and [n,C], dense
};

/// x = Σ x
struct AllReduce {
  Tensor x;  // f32 [1,n]
};

/// x = log Σ exp x: what ranks know of the columns of a matrix whose rows they share becomes what is true of all rows.
struct MergeLse {
  Tensor x;  // f32 [1,n]
};

/// x = rank 0's
struct Broadcast {
  Tensor x;  // f32 [1,n]
};

}  // namespace cw
