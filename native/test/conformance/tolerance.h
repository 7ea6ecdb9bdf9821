// How far a backend's results may lie from the reference's, from the types and the number of summed terms alone.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace cw::test {

/// Distance from 1 to the next larger number.
constexpr double epsilon(DType t) {
  switch (t) {
    case DType::f32: return 0x1p-23;
    case DType::f16: return 0x1p-10;
    case DType::bf16: return 0x1p-7;
    default: return 0;
  }
}

/// What a backend may do on its way to a result, beside rounding it to its type.
struct Tolerance {
  int64_t terms = 0;             // summed up in float
  int roundings = 0;             // of intermediates to `storage`
  DType storage = DType::f32;
  double magnitude = 0;          // of those sums; 0: the root mean square of the reference's results or of their row
  bool exact = false;            // the same bits
  bool zero_past_rows = false;   // rows of filler hold zeros
};

/// Room for functions (exp, erf, sqrt, division) that are good to a few last bits.
inline constexpr int64_t kFunctionTerms = 8;
/// A sum of independently rounded values strays by some standard deviations of one rounding, not by one per term.
inline constexpr double kDeviations = 2;

/// Processors may take subnormal numbers of f32 and bf16 for zero (ops.h). Those of f16 are kept, and rounded to its
/// smallest.
inline constexpr double kSmallestNormal = 0x1p-126;
constexpr double smallest_step(DType t) { return t == DType::f16 ? 0x1p-24 : kSmallestNormal; }

inline double allowed(const Tolerance& t, DType result, double want, double root_mean_square) {
  if (t.exact) return result == DType::f16 ? 0 : kSmallestNormal;
  const double magnitude = t.magnitude > 0 ? t.magnitude : root_mean_square;
  return smallest_step(result) + epsilon(result) * (want < 0 ? -want : want) +
         magnitude * (epsilon(DType::f32) * static_cast<double>(t.terms + kFunctionTerms) +
                      kDeviations * t.roundings * epsilon(t.storage));
}

}  // namespace cw::test
