// Rows of a weight on their way from a file become columns of a panel while they are in the cache.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/kernels/transpose16.h"

namespace cw::CW_ISA {
namespace {

/// Sixteen whole numbers of at most 127, as bytes.
#ifdef __AVX512F__
inline void store_bytes(int8_t* p, V v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v)));
}
inline V magnitude(V v) { return _mm512_abs_ps(v); }
#else
inline void store_bytes(int8_t* p, V v) {
  alignas(32) int32_t all[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), _mm256_cvtps_epi32(v));
  for (int i = 0; i < 8; ++i) p[i] = static_cast<int8_t>(all[i]);
}
inline V magnitude(V v) { return _mm256_andnot_ps(set1(-0.0f), v); }
#endif

/// A row becomes bytes at its own beginning, as engine/rounded_weight.h says.
void round_row(float* row, int64_t count, float levels, float& scale, int32_t& shift) {
  V most = set1(0), zeros = set1(0);
  for (int64_t i = 0; i < count; i += kWidth) {
    const V v = load(row + i);
    most = max(magnitude(v), most);
    zeros = fma(v, set1(0), zeros);  // 0, but NaN where v is not finite
  }
  const float top = largest(most), by = levels / top;
  const bool finite = sum(zeros) == 0, rounds = finite && by < __builtin_inff();
  scale = finite ? top / levels : __builtin_nanf("");
  auto* const to = reinterpret_cast<int8_t*>(row);
  const V factor = set1(rounds ? by : 0);
  for (int64_t i = 0; i < count; i += kWidth) store_bytes(to + i, rounds ? load(row + i) * factor : set1(0));
  int32_t all = 0;
  for (int64_t i = 0; i < count; ++i) all += to[i];
  shift = kRoundedZero * all;
}

/// Columns of dwords: kPanel rows, `words` of each.
void turn_words(const float* rows, int64_t stride, int64_t words, float* to) {
  for (int64_t d = 0; d < words; d += 16)
    for (int64_t c = 0; c < kPanel; c += 16) turn16(rows + c * stride + d, stride, to + d * kPanel + c, kPanel);
}

void turn_narrow(const float* rows, int64_t stride, int64_t depth, bf16* to) {
  alignas(64) float block[16 * 16];
  for (int64_t d = 0; d < depth; d += 16)
    for (int64_t c = 0; c < kPanel; c += 16) {
      turn16(rows + c * stride + d, stride, block, 16);
      for (int64_t j = 0; j < 16; ++j)
        for (int64_t i = 0; i < 16; i += kWidth) store(to + (d + j) * kPanel + c + i, load(block + j * 16 + i));
    }
}

void fill_panel(const PanelFill& op) {
  const int64_t count = op.rows.rows, depth = op.rows.cols, stride = op.rows.stride;
  auto* const rows = op.rows.as<float>();
  for (int64_t r = 0; r < count; ++r) {
    float* const row = rows + r * stride;
    if (op.type == DType::i8) round_row(row, depth, static_cast<float>(op.levels), op.scales[r], op.shift[r]);
    if (op.type == DType::bf16 && op.pairs)
      for (int64_t i = 0; i < depth; i += kWidth) store(reinterpret_cast<bf16*>(row) + i, load(row + i));
  }
  for (int64_t i = count * stride; i < kPanel * stride; i += kWidth) store(rows + i, set1(0));
  if (op.type == DType::bf16 && !op.pairs) return turn_narrow(rows, stride, depth, static_cast<bf16*>(op.to));
  const int64_t in_word = op.type == DType::f32 ? 1 : op.type == DType::bf16 ? 2 : 4;
  turn_words(rows, stride, depth / in_word, static_cast<float*>(op.to));
}

}  // namespace

void add_panels(Kernels& k) { k.fill_panel = fill_panel; }

}  // namespace cw::CW_ISA
