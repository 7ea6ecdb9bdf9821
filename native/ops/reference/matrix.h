// A tensor's values as doubles: read whole, computed with, written back with one rounding to the tensor's type.
#pragma once
#include <vector>

#include "core/tensor.h"

namespace cw {

struct Matrix {
  int64_t rows = 0, cols = 0;
  std::vector<double> values;

  Matrix(int64_t rows, int64_t cols) : rows(rows), cols(cols), values(static_cast<size_t>(rows * cols)) {}
  /// Empty for an absent tensor.
  explicit Matrix(const Tensor& t);

  double& operator()(int64_t r, int64_t c) { return values[static_cast<size_t>(r * cols + c)]; }
  double operator()(int64_t r, int64_t c) const { return values[static_cast<size_t>(r * cols + c)]; }
  double* row(int64_t r) { return values.data() + r * cols; }
  const double* row(int64_t r) const { return values.data() + r * cols; }

  void store(const Tensor& t) const;
  /// Adds to what is there when accumulate is set.
  void store(const Tensor& t, bool accumulate) const;
};

/// y (+)= the column sums of what t holds.
void store_column_sums(const Tensor& t, const Tensor& y, bool accumulate);

std::vector<int32_t> indices(const Tensor& t);

/// to[r] += from[t]
inline void add_row(Matrix& to, int64_t r, const Matrix& from, int64_t t) {
  for (int64_t i = 0; i < from.cols; ++i) to(r, i) += from(t, i);
}

}  // namespace cw
