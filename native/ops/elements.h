// Every element by itself. ops.h has the letters and the rules.
#pragma once
#include <cstdint>
#include <limits>

#include "core/tensor.h"

namespace cw {

/// y = x in y's type (f32, bf16, f16).
struct Cast {
  Tensor x, y;
};

struct Fill {
  Tensor y;  // f32, bf16 or f16
  float value = 0;
};

/// x = min(max(x, low), high) by elements.
struct Clamp {
  Tensor x;  // f32
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/// y = tanh(x) by elements. y may be the same view as x.
struct Tanh {
  Tensor x, y;  // x [R,D]
};

/// dx = dy·(1 - y²), y being Tanh's result. dx may be the same view as dy.
struct TanhGrad {
  Tensor y, dy, dx;  // x [R,D]
};

/// Element i draws u = unit_float(v[i%4]) of v = philox(seed, stream, i/4). All steps in f32, the same on every backend but
/// for the last bits of log, sin and cos:
/// uniform: fma(b - a, u[i%4], a)
/// normal:  mean a, standard deviation b. Box-Muller turns the pairs (u[0],u[1]) and (u[2],u[3]) into elements 0,1 and 2,3:
///          radius = sqrt(-2·log(u[0])), angle = 6.2831855·u[1]; fma(b, radius·cos(angle), a), fma(b, radius·sin(angle), a)
struct RandomInit {
  Tensor y;  // f32, contiguous
  enum class Kind : uint8_t { normal, uniform } kind = Kind::normal;
  float a = 0, b = 1;
  uint64_t seed = 0, stream = 0;
};

}  // namespace cw
