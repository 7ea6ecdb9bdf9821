#include "image/adjust.h"

#include <cmath>

#include "core/error.h"
#include "image/affine.h"
#include "image/tones.h"

namespace cw {
namespace {

using Values = std::array<double, 3>;

void shear_x(const Picture& p, const Values& v) { transform(p, {1, v[0], 0, 0, 1, 0}, Filter::bicubic); }
void shear_y(const Picture& p, const Values& v) { transform(p, {1, 0, 0, v[0], 1, 0}, Filter::bicubic); }

template <Filter filter>
void translate_x(const Picture& p, const Values& v) {
  transform(p, {1, 0, v[0] * p.width, 0, 1, 0}, filter);
}
template <Filter filter>
void translate_y(const Picture& p, const Values& v) {
  transform(p, {1, 0, 0, 0, 1, v[0] * p.height}, filter);
}
template <Filter filter>
void rotate(const Picture& p, const Values& v) {
  transform(p, rotation(p, v[0]), filter);
}

/// Values outside low .. high, or fractions where whole numbers are wanted, are refused.
struct Kind {
  const char* name;
  int values;
  double low, high;
  bool whole;
  void (*run)(const Picture&, const Values&);
};

constexpr double kAny = 1e6;

const Kind kKinds[] = {
    {"posterize", 1, 0, 8, true, [](const Picture& p, const Values& v) { posterize(p, static_cast<int>(v[0])); }},
    {"solarize", 1, 0, 256, false, [](const Picture& p, const Values& v) { solarize(p, v[0]); }},
    {"autocontrast", 0, 0, 0, false, [](const Picture& p, const Values&) { autocontrast(p); }},
    {"equalize", 0, 0, 0, false, [](const Picture& p, const Values&) { equalize(p); }},
    {"invert", 0, 0, 0, false, [](const Picture& p, const Values&) { invert(p); }},
    {"color", 1, 0, kAny, false, [](const Picture& p, const Values& v) { enhance_color(p, v[0]); }},
    {"contrast", 1, 0, kAny, false, [](const Picture& p, const Values& v) { enhance_contrast(p, v[0]); }},
    {"sharpness", 1, 0, kAny, false, [](const Picture& p, const Values& v) { enhance_sharpness(p, v[0]); }},
    {"rotate", 1, -360, 360, false, rotate<Filter::nearest>},
    {"rotate_bilinear", 1, -360, 360, false, rotate<Filter::bilinear>},
    {"shear_x", 1, -kAny, kAny, false, shear_x},
    {"shear_y", 1, -kAny, kAny, false, shear_y},
    {"translate_x", 1, -kAny, kAny, false, translate_x<Filter::nearest>},
    {"translate_y", 1, -kAny, kAny, false, translate_y<Filter::nearest>},
    {"translate_x_bicubic", 1, -kAny, kAny, false, translate_x<Filter::bicubic>},
    {"translate_y_bicubic", 1, -kAny, kAny, false, translate_y<Filter::bicubic>},
    {"hsv", 3, 0, kAny, false, [](const Picture& p, const Values& v) { jitter_hsv(p, v[0], v[1], v[2]); }},
};

const Kind& kind_of(const std::string& name) {
  for (const Kind& kind : kKinds)
    if (name == kind.name) return kind;
  throw Error(Code::invalid_argument, "[adjust] there is no adjustment \"" + name + "\"");
}

}  // namespace

void check_adjustment(const Adjustment& a) {
  const Kind& kind = kind_of(a.name);
  for (int i = 0; i < kind.values; ++i) {
    const double v = a.values[i];
    // Written so that NaN fails.
    if (v >= kind.low && v <= kind.high && (!kind.whole || v == std::floor(v))) continue;
    throw Error(Code::invalid_argument, "[adjust] " + a.name + ": expected " + (kind.whole ? "a whole number" : "a number") +
                                            " from " + std::to_string(kind.low) + " to " + std::to_string(kind.high) +
                                            ", got " + std::to_string(v));
  }
}

void adjust(const Picture& p, const std::vector<Adjustment>& adjustments) {
  for (const Adjustment& a : adjustments) kind_of(a.name).run(p, a.values);
}

}  // namespace cw
