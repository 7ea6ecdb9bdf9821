#include "image/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

namespace cw {
namespace {

/// What transform reads from.
struct Source {
  std::vector<uint8_t> data;
  int width;
  int height;

  const uint8_t* pixel(int x, int y) const { return &data[(static_cast<size_t>(y) * width + x) * kChannels]; }
};

void paint_grey(uint8_t* dst) { std::memset(dst, kGrey, kChannels); }

/// Pillow's affine_fixed (src/libImaging/Geometry.c): both axes in 16 bits of fraction.
void nearest(const Source& src, const Matrix& m, uint8_t* dst) {
  const auto fixed = [](double x) { return static_cast<int64_t>(std::floor(x * 65536.0 + 0.5)); };
  const int64_t a = fixed(m[0]), b = fixed(m[1]), d = fixed(m[3]), e = fixed(m[4]);
  const int64_t c = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), f = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int y = 0; y < src.height; ++y)
    for (int x = 0; x < src.width; ++x, dst += kChannels) {
      const int64_t u = (c + a * x + b * y) >> 16, v = (f + d * x + e * y) >> 16;
      if (u < 0 || v < 0 || u >= src.width || v >= src.height) paint_grey(dst);
      else std::memcpy(dst, src.pixel(static_cast<int>(u), static_cast<int>(v)), kChannels);
    }
}

/// u, v: where to read, counted from the corner of the first pixel.
void bilinear(const Source& src, double u, double v, uint8_t* dst) {
  const double left = std::floor(u - 0.5), top = std::floor(v - 0.5);
  const double dx = u - 0.5 - left, dy = v - 0.5 - top;
  double sum[kChannels] = {};
  for (int j = 0; j < 2; ++j)
    for (int i = 0; i < 2; ++i) {
      const double x = left + i, y = top + j, weight = (i ? dx : 1 - dx) * (j ? dy : 1 - dy);
      const bool inside = x >= 0 && y >= 0 && x < src.width && y < src.height;
      const uint8_t* pixel = inside ? src.pixel(static_cast<int>(x), static_cast<int>(y)) : nullptr;
      for (int k = 0; k < kChannels; ++k) sum[k] += weight * (pixel ? pixel[k] : kGrey);
    }
  for (int k = 0; k < kChannels; ++k) dst[k] = clip8(sum[k] + 0.5);
}

double cubic(const double v[4], double d) {
  const double p2 = v[2] - v[0], p3 = 2 * (v[0] - v[1]) + v[2] - v[3], p4 = v[1] - v[0] + v[3] - v[2];
  return v[1] + d * (p2 + d * (p3 + d * p4));
}

/// Pillow's bicubic_filter32RGB (src/libImaging/Geometry.c).
void bicubic(const Source& src, double u, double v, uint8_t* dst) {
  if (!(u >= 0 && v >= 0 && u < src.width && v < src.height)) return paint_grey(dst);
  const double left = std::floor(u - 0.5), top = std::floor(v - 0.5);
  const double dx = u - 0.5 - left, dy = v - 0.5 - top;
  const uint8_t* pixels[4][4];
  for (int j = 0; j < 4; ++j)
    for (int i = 0; i < 4; ++i)
      pixels[j][i] = src.pixel(std::clamp(static_cast<int>(left) - 1 + i, 0, src.width - 1),
                               std::clamp(static_cast<int>(top) - 1 + j, 0, src.height - 1));
  for (int k = 0; k < kChannels; ++k) {
    double column[4];
    for (int j = 0; j < 4; ++j) {
      double row[4];
      for (int i = 0; i < 4; ++i) row[i] = pixels[j][i][k];
      column[j] = cubic(row, dx);
    }
    dst[k] = clip8(cubic(column, dy));
  }
}

template <auto read>
void each_pixel(const Source& src, const Matrix& m, uint8_t* dst) {
  for (int y = 0; y < src.height; ++y)
    for (int x = 0; x < src.width; ++x, dst += kChannels) {
      const double cx = x + 0.5, cy = y + 0.5;
      read(src, m[0] * cx + m[1] * cy + m[2], m[3] * cx + m[4] * cy + m[5], dst);
    }
}

}  // namespace

void transform(const Picture& p, const Matrix& m, Filter filter) {
  const Source src{{p.data, p.data + p.bytes()}, p.width, p.height};
  switch (filter) {
    case Filter::nearest: return nearest(src, m, p.data);
    case Filter::bilinear: return each_pixel<bilinear>(src, m, p.data);
    case Filter::bicubic: return each_pixel<bicubic>(src, m, p.data);
  }
}

Matrix rotation(const Picture& p, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  const double cos = std::cos(angle), sin = std::sin(angle), x = p.width / 2.0, y = p.height / 2.0;
  return {cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y};
}

}  // namespace cw
