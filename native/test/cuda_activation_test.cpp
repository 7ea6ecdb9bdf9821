// The activations that CUDA computes in a dozen instructions for 16-bit types: every argument of each type, with every result
// that hardware's approximate instructions may give within the bounds of their manual.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "core/dtype.h"
#include "ops/cuda/device/activation.cuh"
#include "ops/cuda/device/elements.cuh"

namespace cw::test {
namespace {

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double tanh_gate(double x) { return 2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }

double gated_slope(double x, double gate, double slope) { return sigmoid(gate) * (1 + x * slope * sigmoid(-gate)); }

double gelu(double x) { return x * normal_cdf(x); }
double gelu_tanh(double x) { return x * sigmoid(tanh_gate(x)); }
double quick_gelu(double x) { return x * sigmoid(1.702 * x); }
double gelu_slope(double x) { return normal_cdf(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI); }
double gelu_tanh_slope(double x) {
  return gated_slope(x, tanh_gate(x), 2 * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x));
}
double quick_gelu_slope(double x) { return gated_slope(x, 1.702 * x, 1.702); }

/// A finite number's place among all of its type: neighbours differ by one, and both zeros are one.
int place(uint16_t bits) { return bits & 0x8000 ? -(bits & 0x7fff) : bits; }

/// Every float within 2^-22 of an exponential is at most four away from the nearest one, and every float within one last bit
/// of a reciprocal at most two.
constexpr int kExp2Off = 4, kReciprocalOff = 2;

struct Worst {
  int ulps = 0;  // between a result and the number of the type that is nearest to the truth
  float at = 0;
  double lost = 0;             // the largest error among results that are more than an ulp off, but by less than `floor`
  int64_t nearest = 0, all = 0;  // results where the truth is more than `floor`
};

struct Form {
  const char* name;
  float (*approximate)(float);
  double (*exact)(double);
  double left, right;  // what it tends to
  double floor;        // an absolute error that is no error
};

/// At an infinity: what the formula gives in doubles, or its limit where that is inf·0.
bool right_at_infinity(const Form& form, double x, double got) {
  const double want = form.exact(x), limit = x < 0 ? form.left : form.right;
  return got == limit || std::fabs(got - limit) <= form.floor || (std::isnan(want) && std::isnan(got));
}

template <class T>
void compare(const Form& form, float x, Worst& worst) {
  const double want = form.exact(x);
  const T nearest = from_float<T>(static_cast<float>(want)), result = from_float<T>(form.approximate(x));
  const float got = to_float(result);
  if (std::isnan(x)) {
    EXPECT_TRUE(std::isnan(got)) << x;
    return;
  }
  if (std::isinf(x)) {
    EXPECT_TRUE(right_at_infinity(form, x, got)) << x << ' ' << got;
    return;
  }
  ASSERT_TRUE(std::isfinite(got)) << x;
  if (x == 0) {
    EXPECT_EQ(std::signbit(got), std::signbit(to_float(nearest)));
  }
  const int ulps = std::abs(place(result.bits) - place(nearest.bits));
  if (std::fabs(want) > form.floor) {
    ++worst.all;
    worst.nearest += ulps == 0;
  }
  const double off = std::fabs(got - want);
  if (ulps > 1 && off <= form.floor) {
    worst.lost = std::max(worst.lost, off);
  } else if (ulps > worst.ulps) {
    worst.ulps = ulps;
    worst.at = x;
  }
}

/// Over all arguments and all that the approximate instructions may give for each.
template <class T>
Worst worst_of(const Form& form) {
  Worst worst;
  for (int e = -kExp2Off; e <= kExp2Off; ++e)
    for (int r = -kReciprocalOff; r <= kReciprocalOff; ++r) {
      emulation::exp2_off = e;
      emulation::reciprocal_off = r;
      for (uint32_t bits = 0; bits < 1u << 16; ++bits) compare<T>(form, to_float(T{static_cast<uint16_t>(bits)}), worst);
    }
  emulation::exp2_off = emulation::reciprocal_off = 0;
  return worst;
}

template <class T>
void expect_good(const char* type) {
  using Cheap = Activation<T>;
  constexpr double kInfinity = HUGE_VAL;
  // Far left the exponential of 32 bits ends at 2^-126, and what multiplies it is at most a few hundred.
  constexpr double kTail = 0x1p-118;
  const Form forms[] = {
      {"gelu", Cheap::gelu, gelu, 0, kInfinity, kTail},
      {"gelu_tanh", Cheap::gelu_tanh, gelu_tanh, 0, kInfinity, kTail},
      {"quick_gelu", Cheap::quick_gelu, quick_gelu, 0, kInfinity, kTail},
      {"gelu_slope", Cheap::gelu_slope, gelu_slope, 0, 1, kTail},
      {"gelu_tanh_slope", Cheap::gelu_tanh_slope, gelu_tanh_slope, 0, 1, kTail},
      {"quick_gelu_slope", Cheap::quick_gelu_slope, quick_gelu_slope, 0, 1, kTail},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    const Worst worst = worst_of<T>(form);
    std::printf("%-16s %-4s at most %d ulp (at %g), %.2f %% nearest; tail lost: %.1e\n", form.name, type, worst.ulps, worst.at,
                100 * static_cast<double>(worst.nearest) / static_cast<double>(worst.all), worst.lost);
    EXPECT_LE(worst.ulps, 1) << worst.at;
  }
}

TEST(CudaActivation, IsWithinOneUlpForEveryBf16) { expect_good<bf16>("bf16"); }
TEST(CudaActivation, IsWithinOneUlpForEveryF16) { expect_good<f16>("f16"); }

}  // namespace
}  // namespace cw::test
