#include "image/passes.h"

#include <algorithm>

namespace cw {
namespace {

uint8_t clip8(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

/// One row: src [width, 3] → dst [taps, 3].
void horizontal_row(const uint8_t* src, const Taps& taps, uint8_t* dst) {
  for (size_t i = 0; i < taps.first.size(); ++i, dst += kChannels) {
    const uint8_t* s = src + static_cast<size_t>(taps.first[i] - taps.begin()) * kChannels;
    const int32_t* w = &taps.weight[i * taps.stride];
    int32_t sum[kChannels] = {kHalf, kHalf, kHalf};
    for (int k = 0; k < taps.count[i]; ++k, s += kChannels)
      for (int c = 0; c < kChannels; ++c) sum[c] += s[c] * w[k];
    for (int c = 0; c < kChannels; ++c) dst[c] = clip8(sum[c]);
  }
}

/// One output row: `count` rows of `n` elements, `stride` apart → dst [n].
void vertical_row(const uint8_t* src, size_t stride, const int32_t* weight, int count, int n, uint8_t* dst) {
  constexpr int kBlock = 64;
  for (int first = 0; first < n; first += kBlock) {
    const int width = std::min(kBlock, n - first);
    int32_t sum[kBlock];
    std::fill_n(sum, kBlock, kHalf);
    const uint8_t* s = src + first;
    for (int k = 0; k < count; ++k, s += stride)
      for (int i = 0; i < width; ++i) sum[i] += s[i] * weight[k];
    for (int i = 0; i < width; ++i) dst[first + i] = clip8(sum[i]);
  }
}

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2"); }
#endif

}  // namespace

void horizontal_pass(const Plane& src, const Taps& taps, uint8_t* dst) {
#if defined(__x86_64__)
  if (has_avx2()) return horizontal_pass_avx2(src, taps, dst);
#endif
  for (int y = 0; y < src.height; ++y, dst += taps.first.size() * kChannels) horizontal_row(src.row(y), taps, dst);
}

void vertical_pass(const Plane& src, const Taps& taps, uint8_t* dst) {
#if defined(__x86_64__)
  if (has_avx2()) return vertical_pass_avx2(src, taps, dst);
#endif
  const int n = src.width * kChannels;
  for (size_t i = 0; i < taps.first.size(); ++i, dst += n)
    vertical_row(src.row(taps.first[i] - taps.begin()), src.stride, &taps.weight[i * taps.stride], taps.count[i], n, dst);
}

}  // namespace cw
