// A weight has 24 bits and a product of 16 by 16 is what AVX2 is good at, so each weight is split: w = high * 2^11 + low. Sums of
// both parts may wrap; what they add up to fits, so it is exact.
#include "image/passes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

namespace cw {
namespace {

constexpr int kLowBits = 11;
constexpr int32_t kLowMask = (1 << kLowBits) - 1;

int16_t high_of(int32_t weight) { return static_cast<int16_t>(weight >> kLowBits); }
int16_t low_of(int32_t weight) { return static_cast<int16_t>(weight & kLowMask); }

/// Pixels of a column sum at a time: those of one register, as pairs of each channel.
constexpr int kGroup = 4;
constexpr int kLanes = 16;

/// Taps in groups of four pixels: of each the weights as the pixels lie in registers, high parts and then low ones.
struct GroupedTaps {
  std::vector<int> first;  // byte of a row
  std::vector<int> groups;
  std::vector<int16_t> weight;
  size_t stride;
  int columns;  // that are read, with those whose weights are zero
};

GroupedTaps grouped(const Taps& taps) {
  const size_t n = taps.first.size();
  GroupedTaps out{std::vector<int>(n), std::vector<int>(n), {}, 0, 0};
  out.stride = static_cast<size_t>((taps.stride + kGroup - 1) / kGroup) * 2 * kLanes;
  out.weight.resize(n * out.stride);
  for (size_t i = 0; i < n; ++i) {
    const int first = taps.first[i] - taps.begin();
    out.first[i] = first * kChannels;
    out.groups[i] = (taps.count[i] + kGroup - 1) / kGroup;
    out.columns = std::max(out.columns, first + out.groups[i] * kGroup);
    for (int k = 0; k < taps.count[i]; ++k) {
      const int32_t w = taps.weight[i * taps.stride + k];
      // (pixel 0, pixel 1) of red, green, blue and nothing in the lower half, 2 and 3 in the upper one.
      int16_t* to = &out.weight[i * out.stride + k / kGroup * 2 * kLanes + k % kGroup / 2 * 8 + k % 2];
      for (int c = 0; c < kChannels; ++c) {
        to[2 * c] = high_of(w);
        to[kLanes + 2 * c] = low_of(w);
      }
    }
  }
  return out;
}

[[gnu::target("avx2")]] __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

/// row: src's, with room for 16 bytes behind what the taps read.
[[gnu::target("avx2")]] void horizontal_row(const uint8_t* row, const GroupedTaps& taps, uint8_t* dst) {
  const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const size_t outputs = taps.first.size();
  for (size_t i = 0; i < outputs; ++i, dst += kChannels) {
    const uint8_t* s = row + taps.first[i];
    const int16_t* w = &taps.weight[i * taps.stride];
    __m256i high = _mm256_setzero_si256(), low = high;
    for (int g = 0; g < taps.groups[i]; ++g, s += kGroup * kChannels, w += 2 * kLanes) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s));
      const __m256i pixels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), spread);
      high = _mm256_add_epi32(high, _mm256_madd_epi16(pixels, load(w)));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(pixels, load(w + kLanes)));
    }
    const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kPrecisionBits);
    sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
    const int pixel = _mm_cvtsi128_si32(sum);
    if (i + 1 < outputs) std::memcpy(dst, &pixel, 4);  // its last byte is written again by the next
    else std::memcpy(dst, &pixel, kChannels);
  }
}

/// Two rows of 16 elements with their weights, added to the sums of the first and last four of each eight.
struct Sums {
  __m256i high[2], low[2];
};

[[gnu::target("avx2"), gnu::always_inline]] inline void add_rows(Sums& sums, __m128i upper, __m128i lower, __m256i high, __m256i low) {
  const __m256i a = _mm256_cvtepu8_epi16(upper), b = _mm256_cvtepu8_epi16(lower);
  const __m256i pairs[2] = {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
  for (int half = 0; half < 2; ++half) {
    sums.high[half] = _mm256_add_epi32(sums.high[half], _mm256_madd_epi16(pairs[half], high));
    sums.low[half] = _mm256_add_epi32(sums.low[half], _mm256_madd_epi16(pairs[half], low));
  }
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m128i rounded(const Sums& sums) {
  __m256i half[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(sums.high[i], kLowBits), sums.low[i]);
    half[i] = _mm256_srai_epi32(_mm256_add_epi32(both, _mm256_set1_epi32(kHalf)), kPrecisionBits);
  }
  const __m256i words = _mm256_packs_epi32(half[0], half[1]);  // in order, as the unpacking was by halves
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/// One output row: `count` rows of `n` elements, `stride` apart → dst [n]. `pairs`: two weights' parts in each int32.
[[gnu::target("avx2")]] void vertical_row(const uint8_t* src, size_t stride, const int32_t* high, const int32_t* low, int count, int n,
                                          uint8_t* dst) {
  for (int x = 0; x < n; x += kLanes) {
    const int width = std::min(kLanes, n - x);
    const auto row = [&](int k) __attribute__((target("avx2"))) {
      const uint8_t* s = src + k * stride + x;
      if (width == kLanes) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(s));
      alignas(16) uint8_t rest[kLanes] = {};
      std::memcpy(rest, s, width);
      return _mm_load_si128(reinterpret_cast<const __m128i*>(rest));
    };
    const __m256i zero = _mm256_setzero_si256();
    Sums sums{{zero, zero}, {zero, zero}};
    for (int k = 0; k < count; k += 2)
      add_rows(sums, row(k), row(std::min(k + 1, count - 1)), _mm256_set1_epi32(high[k / 2]), _mm256_set1_epi32(low[k / 2]));
    alignas(16) uint8_t result[kLanes];
    _mm_store_si128(reinterpret_cast<__m128i*>(result), rounded(sums));
    if (width == kLanes) std::memcpy(dst + x, result, kLanes);
    else std::memcpy(dst + x, result, width);
  }
}

/// The same part of two weights in one int32; nothing beside the last of an odd number.
template <class Part>
void pair_up(const int32_t* weight, int count, Part part, std::vector<int32_t>& out) {
  for (int k = 0; k < count; k += 2) {
    const auto second = k + 1 < count ? part(weight[k + 1]) : int16_t{0};
    out[k / 2] = static_cast<uint16_t>(part(weight[k])) | static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(second)) << 16);
  }
}

}  // namespace

void horizontal_pass_avx2(const Plane& src, const Taps& taps, uint8_t* dst) {
  const GroupedTaps groups = grouped(taps);
  // A copy, so that what is read behind the last tap is there and zero.
  std::vector<uint8_t> row(static_cast<size_t>(std::max(groups.columns, src.width)) * kChannels + 16);
  for (int y = 0; y < src.height; ++y, dst += taps.first.size() * kChannels) {
    std::memcpy(row.data(), src.row(y), static_cast<size_t>(src.width) * kChannels);
    horizontal_row(row.data(), groups, dst);
  }
}

void vertical_pass_avx2(const Plane& src, const Taps& taps, uint8_t* dst) {
  const int n = src.width * kChannels;
  std::vector<int32_t> high(taps.stride), low(taps.stride);
  for (size_t i = 0; i < taps.first.size(); ++i, dst += n) {
    const int32_t* weight = &taps.weight[i * taps.stride];
    pair_up(weight, taps.count[i], high_of, high);
    pair_up(weight, taps.count[i], low_of, low);
    vertical_row(src.row(taps.first[i] - taps.begin()), src.stride, high.data(), low.data(), taps.count[i], n, dst);
  }
}

}  // namespace cw
#endif
