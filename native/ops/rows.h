// Work on whole rows: picked by index, or the mean of a sequence. ops.h has the letters and the rules.
#pragma once
#include "core/tensor.h"
#include "ops/sequences.h"

namespace cw {

/// y[r] = x[rows[r]]
struct GatherRows {
  Tensor x, rows, y;  // [T,D], i32 [1,R], [R,D]; x and y of one type
};

/// y[rows[r]] += x[r]; rows are distinct.
struct ScatterAddRows {
  Tensor x, rows, y;  // [R,D], i32 [1,R], [T,D]
};

/// y[s] = mean of the rows of sequence s; zeros for an empty one.
struct SequenceMean {
  Tensor x, y;  // x [T,D], [S,D]
  Sequences sequences;
};

/// dx[t] = dy[s] / rows of s, for t in sequence s; zeros in filler rows.
struct SequenceMeanGrad {
  Tensor dy, dx;  // x [S,D], [T,D]
  Sequences sequences;
};

}  // namespace cw
