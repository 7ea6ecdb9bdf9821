#include "ops/reference/dropout.h"

#include "ops/reference/backend.h"

namespace cw {

void ReferenceBackend::run(const Dropout& a) {
  const Matrix x(a.x);
  Matrix y = a.residual ? Matrix(a.residual) : Matrix(x.rows, x.cols);
  const auto rows = a.rows ? indices(a.rows) : std::vector<int32_t>{};
  const auto sequences = indices(a.drop.draws.places.row_range(0, 1)), positions = indices(a.drop.draws.places.row_range(1, 1));
  const DropDraws drop(a.drop);
  const DropoutStream stream = drop.stream();
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t i = 0; i < x.cols; ++i) {
      const int64_t row = a.rows ? rows[r] : r;
      const auto column = static_cast<uint32_t>(i);
      const Philox4 draw = draw_columns(stream, drop.first + static_cast<uint32_t>(sequences[row]),
                                        static_cast<uint32_t>(positions[row]), column / 8);
      y(r, i) += x(r, i) * drop.factor(draw, column % 8);
    }
  y.store(a.y);
}

}  // namespace cw
