// Pairs of channels turned by an angle, a row at a time: pairs lie beside one another in a vector.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

#ifdef __AVX512F__

/// a b c d … as b a d c …
inline V swap_pairs(V x) { return _mm512_permute_ps(x, 0xb1); }
/// The first half of the lanes, each twice.
inline V twice(V x) {
  return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7), x);
}
/// a·b - c in even lanes, a·b + c in odd ones; and the reverse.
inline V sub_add(V a, V b, V c) { return _mm512_fmaddsub_ps(a, b, c); }
inline V add_sub(V a, V b, V c) { return _mm512_fmsubadd_ps(a, b, c); }

#else

inline V swap_pairs(V x) { return _mm256_permute_ps(x, 0xb1); }
inline V twice(V x) { return _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)); }
inline V sub_add(V a, V b, V c) { return _mm256_fmaddsub_ps(a, b, c); }
inline V add_sub(V a, V b, V c) { return _mm256_fmsubadd_ps(a, b, c); }

#endif

template <bool backwards, class T>
inline void turn_head(const T* x, const float* cosines, const float* sines, T* y, int64_t channels) {
  for_vectors(channels, [&](int64_t i, int64_t n) {
    const V v = load_some(x + i, n);
    const V cosine = twice(load(cosines + i / 2, n / 2)), across = swap_pairs(v) * twice(load(sines + i / 2, n / 2));
    store_some(y + i, backwards ? add_sub(v, cosine, across) : sub_add(v, cosine, across), n);
  });
}

template <bool backwards, class T>
void turn(const Rotary& op) {
  const int64_t channels = op.x.cols / op.heads;
  const int32_t *ids = op.position_ids.as<int32_t>(), *rows = op.rows.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.x.rows; ++r) {
    const T* x = op.x.row<T>(r);
    T* y = op.y.row<T>(r);
    const float* cosines = op.table.row<float>(ids[rows ? rows[r] : r]);
    for (int64_t c = 0; c < op.x.cols; c += channels)
      turn_head<backwards>(x + c, cosines, cosines + channels / 2, y + c, channels);
  }
}

void rotary(const Rotary& op) {
  with_storage(op.x.dtype, [&]<class T>(T) { op.backwards ? turn<true, T>(op) : turn<false, T>(op); });
}

}  // namespace

void add_rotary(Kernels& k) { k.rotary = rotary; }

}  // namespace cw::CW_ISA
