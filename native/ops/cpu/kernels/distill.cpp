// The pass over two tiles of products: a teacher's softmaxes against a student's.
#include "ops/cpu/kernels/pair_blocks.h"
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// Both softmaxes' probabilities, in the sum, of n pairs of a row.
inline V probabilities(const DistillTile& t, V dots, V row_lse, int64_t column, int64_t n) {
  const V logits = dots * set1(t.products.scale);
  return exp(logits - row_lse) + exp(logits - load(t.col_lse + column, n));
}

/// cross [cols]: the teacher's probabilities times the products are added to it.
template <class T>
void grad_row(const DistillTile& student, const DistillTile& teacher, const DistillTileGrad& g, int64_t i, float* cross) {
  const PairTile& t = student.products;
  const float *dots = t.dots + i * t.stride, *taught = teacher.products.dots + i * teacher.products.stride;
  T* to = static_cast<T*>(g.data) + i * g.stride;  // may be the dots themselves
  const int64_t own = t.diagonal + i;
  const bool inside = own >= 0 && own < t.cols;
  const float own_dot = inside ? dots[own] : 0, own_part = inside ? 2 * t.scale * g.pairs : 0;
  const V lse = set1(student.row_lse[i]), teacher_lse = set1(teacher.row_lse[i]);
  const V both = set1(t.scale * (g.pairs + g.distil)), distil = set1(t.scale * g.distil);
  float own_d = 0;
  V products = set1(0);
  for (int64_t c = 0; c < t.cols; c += kWidth) {
    const int64_t n = lanes_left(t.cols - c);
    const V dot = load(dots + c, n), p = keep(probabilities(teacher, load(taught + c, n), teacher_lse, c, n), n);
    const V d = keep(probabilities(student, dot, lse, c, n) * both - p * distil, n);
    store(cross + c, fma(p, dot, load(cross + c, n)), n);
    products = fma(d, dot, products);
    store(to + c, d, n);
    if (own >= c && own < c + n) {
      alignas(64) float lanes[kWidth];
      store(lanes, d);
      own_d = lanes[own - c];
    }
  }
  if (inside) store(to + own, set1(own_d - own_part), 1);
  g.row_dots[i] = sum(products) - own_part * own_dot;
}

void pair_distill(const DistillTile& student, const DistillTile& teacher, const DistillTileGrad& g) {
  const PairTile& t = student.products;
  const int64_t blocks = block_count(t);
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < blocks; ++k) {
    const Block b = block_of(t, k);
    float* const cross = g.block_cross + k * t.cols;
    for_vectors(t.cols, [&](int64_t c, int64_t n) { store_some(cross + c, set1(0), n); });
    for (int64_t i = b.first; i < b.first + b.rows; ++i) {
      if (g.bf16)
        grad_row<bf16>(student, teacher, g, i, cross);
      else
        grad_row<float>(student, teacher, g, i, cross);
    }
  }
  for_vectors(t.cols, [&](int64_t c, int64_t n) {
    V sum = set1(0);
    for (int64_t k = 0; k < blocks; ++k) sum += load_some(g.block_cross + k * t.cols + c, n);
    store_some(g.half_cross + c, fma(sum, set1(0.5f * t.scale), load_some(g.half_cross + c, n)), n);
  });
}

}  // namespace

void add_distill(Kernels& k) { k.pair_distill = pair_distill; }

}  // namespace cw::CW_ISA
