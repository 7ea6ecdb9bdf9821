// Element types and their conversions. bf16 and f16 are storage types: arithmetic on them is done in float.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cw {

enum class DType : uint8_t { f32, bf16, f16, u8, i8, i32 };

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f32:
    case DType::i32: return 4;
    case DType::bf16:
    case DType::f16: return 2;
    case DType::u8:
    case DType::i8: return 1;
  }
  return 0;
}

constexpr const char* name_of(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::bf16: return "bf16";
    case DType::f16: return "f16";
    case DType::u8: return "u8";
    case DType::i8: return "i8";
    case DType::i32: return "i32";
  }
  return "?";
}

struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }
float to_float(f16 x);

/// Round to nearest, ties to even; NaN stays NaN.
inline bf16 to_bf16(float x) {
  const uint32_t u = std::bit_cast<uint32_t>(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}
/// Round to nearest, ties to even; too large becomes infinity.
f16 to_f16(float x);

}  // namespace cw
