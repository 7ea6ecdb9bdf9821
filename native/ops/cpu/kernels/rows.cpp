// Work on single rows: gather, scatter, means of sequences.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

template <class T>
void gather(const GatherRows& op) {
  const int32_t* rows = op.rows.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.y.rows; ++r) {
    const T* from = op.x.row<T>(rows[r]);
    T* to = op.y.row<T>(r);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) { store_some(to + i, load_some(from + i, n), n); });
  }
}

template <class T>
void scatter_add(const ScatterAddRows& op) {
  const int32_t* rows = op.rows.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T* from = op.x.row<T>(r);
    T* to = op.y.row<T>(rows[r]);
    for_vectors(op.x.cols, [&](int64_t i, int64_t n) { store_some(to + i, load_some(to + i, n) + load_some(from + i, n), n); });
  }
}

template <class T>
void mean_of_rows(const SequenceMean& op) {
  const int32_t* offsets = op.sequences.offsets.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t s = 0; s < op.y.rows; ++s) {
    const int64_t first = offsets[s] + op.skip, end = offsets[s + 1];
    const V share = set1(end > first ? 1.0f / static_cast<float>(end - first) : 0.0f);
    T* y = op.y.row<T>(s);
    for_vectors(op.y.cols, [&](int64_t i, int64_t n) {
      V total = set1(0);
      for (int64_t t = first; t < end; ++t) total += load_some(op.x.row<T>(t) + i, n);
      store_some(y + i, total * share, n);
    });
  }
}

template <class T>
void mean_of_rows_grad(const SequenceMeanGrad& op) {
  const int32_t* offsets = op.sequences.offsets.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t s = 0; s <= op.dy.rows; ++s) {
    const bool filler = s == op.dy.rows;
    const int64_t begin = offsets[s], first = begin + op.skip, end = filler ? op.dx.rows : offsets[s + 1];
    const float share = 1.0f / static_cast<float>(end - first);  // not used where no row counts
    for (int64_t t = begin; t < end; ++t) {
      T* dx = op.dx.row<T>(t);
      for_vectors(op.dx.cols, [&](int64_t i, int64_t n) {
        store_some(dx + i, filler || t < first ? set1(0) : load_some(op.dy.row<T>(s) + i, n) * set1(share), n);
      });
    }
  }
}

void sequence_mean(const SequenceMean& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { mean_of_rows<T>(op); });
}
void sequence_mean_grad(const SequenceMeanGrad& op) {
  with_storage(op.dx.dtype, [&]<class T>(T) { mean_of_rows_grad<T>(op); });
}

void gather_rows(const GatherRows& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { gather<T>(op); });
}
void scatter_add_rows(const ScatterAddRows& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { scatter_add<T>(op); });
}

}  // namespace

void add_rows(Kernels& k) {
  k.gather_rows = gather_rows;
  k.scatter_add_rows = scatter_add_rows;
  k.sequence_mean = sequence_mean;
  k.sequence_mean_grad = sequence_mean_grad;
}

}  // namespace cw::CW_ISA
