#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {

void ReferenceBackend::run(const GatherRows& a) {
  const Matrix x(a.x);
  const auto rows = indices(a.rows);
  Matrix y(a.y.rows, a.y.cols);
  for (int64_t r = 0; r < y.rows; ++r) add_row(y, r, x, rows[r]);
  y.store(a.y);
}

void ReferenceBackend::run(const ScatterAddRows& a) {
  const Matrix x(a.x);
  Matrix y(a.y);
  const auto rows = indices(a.rows);
  for (int64_t r = 0; r < x.rows; ++r) add_row(y, rows[r], x, r);
  y.store(a.y);
}

void ReferenceBackend::run(const SequenceMean& a) {
  const Matrix x(a.x);
  const auto offsets = indices(a.sequences.offsets);
  Matrix y(a.y.rows, a.y.cols);
  for (int64_t s = 0; s < y.rows; ++s) {
    const int64_t first = offsets[s] + a.skip, rows = offsets[s + 1] - first;
    for (int64_t t = first; t < offsets[s + 1]; ++t)
      for (int64_t i = 0; i < x.cols; ++i) y(s, i) += x(t, i) / static_cast<double>(rows);
  }
  y.store(a.y);
}

void ReferenceBackend::run(const SequenceMeanGrad& a) {
  const Matrix dy(a.dy);
  const auto offsets = indices(a.sequences.offsets);
  Matrix dx(a.dx.rows, a.dx.cols);
  for (int64_t s = 0; s < dy.rows; ++s) {
    const int64_t first = offsets[s] + a.skip, rows = offsets[s + 1] - first;
    for (int64_t t = first; t < offsets[s + 1]; ++t)
      for (int64_t i = 0; i < dy.cols; ++i) dx(t, i) = dy(s, i) / static_cast<double>(rows);
  }
  dx.store(a.dx);
}

}  // namespace cw
