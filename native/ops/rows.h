// Work on whole rows: picked by index, or the mean of a sequence. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

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

/// y[s] = mean of the rows of sequence s after its first `skip`; zeros where there is none.
struct SequenceMean {
  Tensor x, y;  // x [T,D], [S,D]
  Sequences sequences;
  int64_t skip = 0;  // 1: without the class token
};

/// dx[t] = dy[s] / counted rows of s, for t in sequence s; zeros in rows that were skipped and in filler rows.
struct SequenceMeanGrad {
  Tensor dy, dx;  // x [S,D], [T,D]
  Sequences sequences;
  int64_t skip = 0;
};

}  // namespace cw
