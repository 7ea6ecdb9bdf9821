// A dropout of a model: where it stands, and its rate. It leaves out nothing unless the context has draws.
#pragma once
#include "nn/linear.h"

namespace cw {

struct DropoutLayer {
  int64_t site = 0;  // another one for each dropout of a tower
  float rate = 0;

  /// Absent where nothing is left out.
  Drop of(const Context& c) const {
    return rate > 0 && c.draws ? Drop{.draws = c.draws, .site = site, .rate = rate} : Drop{};
  }

  /// x = residual + what is kept of x, unless nothing is left out: then x is as it was, and has the residual already. rows: which
  /// packed rows these are; absent: all.
  void forward(const Context& c, Tensor x, Tensor residual, Tensor rows) const {
    if (const Drop drop = of(c)) c.ops.dropout({.x = x, .residual = residual, .y = x, .rows = rows, .drop = drop});
  }
  /// Of `sums`, a gradient that is the column sums of what forward was given: what makes dy is to sum. Empty: backward does.
  Tensor sums_of_dy(const Context& c, Tensor sums) const { return of(c) ? Tensor{} : sums; }
  /// The gradient of what forward was given. `sums`, if given, gets its column sums where nothing else has them.
  Tensor backward(const Context& c, Tensor dy, Tensor rows, Tensor sums) const {
    const Drop drop = of(c);
    if (!drop) return dy;
    const Tensor dx = c.take(dy.rows, dy.cols);
    c.ops.dropout({.x = dy, .y = dx, .rows = rows, .drop = drop});
    sum_columns(c, dx, sums);
    return dx;
  }
};

}  // namespace cw
