// Dropout, of rows here and of attention's probabilities in attention.h. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

/// Where draws come from, in device memory, so that steps are the same list of ops.
struct Draws {
  Tensor counter;  // i32 [1,4]: the seed's low and high half, the step, and the first sequence's number in the whole batch
  Tensor places;   // i32 [2,T]: each packed row's sequence, and its place there
  explicit operator bool() const { return static_cast<bool>(counter); }
};

/// What an op leaves out; core/dropout.h has the draws. Absent: nothing.
struct Drop {
  Draws draws;
  int64_t site = 0;  // 0 .. kDropoutSites - 1, another one for each dropout of a step
  float rate = 0;    // 0 up to, but not, 65535.5/65536
  explicit operator bool() const { return static_cast<bool>(draws); }
};

/// y = residual + x/(1 - rate) where it is kept. The gradient of x is this op on dy, without the residual, whose gradient is dy.
/// y may be the same view as x or residual.
struct Dropout {
  Tensor x;         // x [R,D]
  Tensor residual;  // x [R,D], optional
  Tensor y;         // x [R,D]
  Tensor rows;      // i32 [1,R] which packed row each is; absent: row r is r
  Drop drop;
};

}  // namespace cw
