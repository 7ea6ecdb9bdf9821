#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {

void ReferenceBackend::run(const Rotary& a) {
  const Matrix x(a.x), table(a.table);
  const std::vector<int32_t> ids = indices(a.position_ids), rows = a.rows ? indices(a.rows) : std::vector<int32_t>{};
  const int64_t channels = x.cols / a.heads;
  Matrix y(x.rows, x.cols);
  for (int64_t t = 0; t < x.rows; ++t) {
    const int64_t l = ids[static_cast<size_t>(a.rows ? rows[static_cast<size_t>(t)] : t)];
    for (int64_t c = 0; c < x.cols; c += 2) {
      const int64_t i = c % channels / 2;
      const double cosine = table(l, i), sine = a.backwards ? -table(l, channels / 2 + i) : table(l, channels / 2 + i);
      y(t, c) = x(t, c) * cosine - x(t, c + 1) * sine;
      y(t, c + 1) = x(t, c + 1) * cosine + x(t, c) * sine;
    }
  }
  y.store(a.y);
}

}  // namespace cw
