// The two passes of a resize: sums over columns, sums over rows. Whole numbers, so that all forms of them give the same bits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cw {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel and 2 of overshoot leave this much of an int32
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);
constexpr int kChannels = 3;

/// For each output position of one axis, the source positions that it reads and their weights in fixed point.
struct Taps {
  int stride = 0;  // weights of output i start at i * stride; unused ones are zero
  std::vector<int> first;
  std::vector<int> count;
  std::vector<int32_t> weight;

  int begin() const { return first.front(); }
  int end() const { return first.back() + count.back(); }
};

/// Rows of RGB pixels, `stride` bytes apart.
struct Plane {
  const uint8_t* data;
  size_t stride;
  int width;
  int height;

  const uint8_t* row(int y) const { return data + y * stride; }
};

/// src [h, w, 3], w the columns that the taps read → dst [h, taps, 3].
void horizontal_pass(const Plane& src, const Taps& taps, uint8_t* dst);
/// src [h, w, 3], h the rows that the taps read → dst [taps, w, 3].
void vertical_pass(const Plane& src, const Taps& taps, uint8_t* dst);

#if defined(__x86_64__)
/// The same, for machines that have AVX2.
void horizontal_pass_avx2(const Plane& src, const Taps& taps, uint8_t* dst);
void vertical_pass_avx2(const Plane& src, const Taps& taps, uint8_t* dst);
#endif

}  // namespace cw
