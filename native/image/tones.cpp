#include "image/tones.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace cw {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

template <typename F>
Table table(F value) {
  Table t;
  for (int i = 0; i < 256; ++i) t[i] = value(i);
  return t;
}

void apply(const Picture& p, const Table& t) {
  for (size_t i = 0; i < p.bytes(); ++i) p.data[i] = t[p.data[i]];
}

void apply(const Picture& p, int channel, const Table& t) {
  for (size_t i = channel; i < p.bytes(); i += kChannels) p.data[i] = t[p.data[i]];
}

Histogram histogram(const Picture& p, int channel) {
  Histogram h{};
  for (size_t i = channel; i < p.bytes(); i += kChannels) ++h[p.data[i]];
  return h;
}

/// ITU-R 601-2 in 16 bits of fraction.
int grey(const uint8_t* rgb) { return (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 0x8000) >> 16; }

/// Pillow's Image.blend, which cuts fractions off.
uint8_t blend(int degenerate, int value, float factor) { return clip8(degenerate + factor * (value - degenerate)); }

/// a / b in OpenCV's 12 bits of fraction, and back to a whole number: its rounding decides between two hues.
int share(int a, int b) { return static_cast<int>(std::lround(4096.0 * a / b)); }
int rounded(int fixed) { return (fixed + 2048) >> 12; }

}  // namespace

void posterize(const Picture& p, int bits) {
  const int mask = 0xff & ~((1 << (8 - bits)) - 1);
  apply(p, table([&](int i) { return i & mask; }));
}

void solarize(const Picture& p, double threshold) {
  apply(p, table([&](int i) { return i < threshold ? i : 255 - i; }));
}

void invert(const Picture& p) {
  apply(p, table([](int i) { return 255 - i; }));
}

void autocontrast(const Picture& p) {
  for (int c = 0; c < kChannels; ++c) {
    const Histogram h = histogram(p, c);
    int low = 0, high = 255;
    while (low < 255 && h[low] == 0) ++low;
    while (high > 0 && h[high] == 0) --high;
    if (high <= low) continue;
    const double scale = 255.0 / (high - low);
    const double offset = -low * scale;
    apply(p, c, table([&](int i) { return clip8(i * scale + offset); }));
  }
}

void equalize(const Picture& p) {
  for (int c = 0; c < kChannels; ++c) {
    const Histogram h = histogram(p, c);
    const auto last = std::find_if(h.rbegin(), h.rend(), [](int64_t n) { return n > 0; });
    const int64_t step = (static_cast<int64_t>(p.pixels()) - *last) / 255;
    if (step == 0) continue;
    int64_t n = step / 2;
    apply(p, c, table([&](int i) {
            const int64_t value = n / step;
            n += h[i];
            return static_cast<uint8_t>(std::min<int64_t>(value, 255));
          }));
  }
}

void enhance_color(const Picture& p, double factor) {
  const float f = static_cast<float>(factor);
  for (size_t i = 0; i < p.bytes(); i += kChannels) {
    const int g = grey(p.data + i);
    for (int c = 0; c < kChannels; ++c) p.data[i + c] = blend(g, p.data[i + c], f);
  }
}

void enhance_contrast(const Picture& p, double factor) {
  int64_t sum = 0;
  for (size_t i = 0; i < p.bytes(); i += kChannels) sum += grey(p.data + i);
  const int mean = static_cast<int>(static_cast<double>(sum) / p.pixels() + 0.5);
  const float f = static_cast<float>(factor);
  apply(p, table([&](int i) { return blend(mean, i, f); }));
}

void enhance_sharpness(const Picture& p, double factor) {
  const float f = static_cast<float>(factor);
  const std::vector<uint8_t> src(p.data, p.data + p.bytes());
  const size_t row = static_cast<size_t>(p.width) * kChannels;
  for (int y = 1; y + 1 < p.height; ++y)
    for (size_t x = kChannels; x + kChannels < row; ++x) {
      const uint8_t* at = &src[y * row + x];
      int sum = 4 * at[0];
      for (const uint8_t* line : {at - row, at, at + row}) sum += line[-kChannels] + line[0] + line[kChannels];
      p.data[y * row + x] = blend(static_cast<int>(sum / 13.0 + 0.5), at[0], f);
    }
}

void jitter_hsv(const Picture& p, double hue, double saturation, double value) {
  const Table new_hue = table([&](int i) { return static_cast<uint8_t>(std::fmod(i * hue, 180.0)); });
  const Table new_saturation = table([&](int i) { return clip8(i * saturation); });
  const Table new_value = table([&](int i) { return clip8(i * value); });
  for (size_t i = 0; i < p.bytes(); i += kChannels) {
    uint8_t* rgb = p.data + i;
    const int r = rgb[0], g = rgb[1], b = rgb[2];
    const int v = std::max({r, g, b}), range = v - std::min({r, g, b});
    const int s = v > 0 ? rounded(range * share(255, v)) : 0;
    // In 30 steps a sextant, of which red lies in the middle of the first and the last.
    const int turn = v == r ? g - b : v == g ? b - r + 2 * range : r - g + 4 * range;
    int h = range > 0 ? rounded(turn * share(30, range)) : 0;
    if (h < 0) h += 180;

    const double sextant = new_hue[h] / 30.0, part = sextant - std::floor(sextant);
    const double top = new_value[v], sat = new_saturation[s] / 255.0;
    const double low = top * (1 - sat), falling = top * (1 - sat * part), rising = top * (1 - sat * (1 - part));
    const double by_sextant[6][kChannels] = {{top, rising, low}, {falling, top, low}, {low, top, rising},
                                             {low, falling, top}, {rising, low, top}, {top, low, falling}};
    for (int c = 0; c < kChannels; ++c)
      rgb[c] = static_cast<uint8_t>(std::lround(by_sextant[static_cast<int>(sextant) % 6][c]));
  }
}

}  // namespace cw
