// Rows of which some elements are left out.
#include "ops/cpu/kernels/draws.h"
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class T>
void dropout_typed(const Dropout& op) {
  const Drawn drawn(op.drop);
  const Tensor& places = op.drop.draws.places;
  const int32_t *sequences = places.row<int32_t>(0), *positions = places.row<int32_t>(1);
  const int32_t* rows = op.rows ? op.rows.as<int32_t>() : nullptr;
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const int64_t row = rows ? rows[r] : r;
    const auto s = static_cast<uint32_t>(sequences[row]), position = static_cast<uint32_t>(positions[row]);
    const T *x = op.x.row<T>(r), *residual = op.residual ? op.residual.row<T>(r) : nullptr;
    T* y = op.y.row<T>(r);
    for (int64_t first = 0; first < op.x.cols; first += kDrawnColumns) {
      alignas(64) float factors[kDrawnColumns];
      draw_columns_of(drawn, s, position, first, factors);
      const int64_t left = op.x.cols - first;
      for_vectors(left < kDrawnColumns ? left : kDrawnColumns, [&](int64_t i, int64_t n) {
        const int64_t c = first + i;
        const V before = residual ? load_some(residual + c, n) : set1(0);
        store_some(y + c, fma(load_some(x + c, n), load(factors + i), before), n);
      });
    }
  }
}

void dropout(const Dropout& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { dropout_typed<T>(op); });
}

}  // namespace

void add_dropout(Kernels& k) { k.dropout = dropout; }

}  // namespace cw::CW_ISA
