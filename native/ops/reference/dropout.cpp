#include "ops/reference/dropout.h"

#include "ops/reference/backend.h"

namespace cw {

void ReferenceBackend::run(const Dropout& a) {
  const Matrix x(a.x);
  Matrix y = a.residual ? Matrix(a.residual) : Matrix(x.rows, x.cols);
  const auto rows = a.rows ? indices(a.rows) : std::vector<int32_t>{};
  const DropDraws drop(a.drop);
  const DropoutStream stream = drop.stream();
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t i = 0; i < x.cols; ++i) {
      const auto row = drop.first_row + static_cast<uint32_t>(a.rows ? rows[r] : r), column = static_cast<uint32_t>(i);
      y(r, i) += x(r, i) * drop.factor(draw_columns(stream, row, column / 8), column % 8);
    }
  y.store(a.y);
}

}  // namespace cw
