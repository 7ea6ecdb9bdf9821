#include "ops/reference/matrix.h"

#include <bit>
#include <cmath>
#include <type_traits>

namespace cw {
namespace {

/// To float with a sticky last bit ("round to odd"): rounding that to 16 bits equals rounding the double once.
float round_to_odd(double x) {
  float f = static_cast<float>(x);
  if (std::isnan(x) || static_cast<double>(f) == x) return f;
  if (std::abs(static_cast<double>(f)) > std::abs(x)) f = std::nextafter(f, 0.0f);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | 1u);
}

void save(float& to, double x) { to = static_cast<float>(x); }
void save(bf16& to, double x) { to = to_bf16(round_to_odd(x)); }
void save(f16& to, double x) { to = to_f16(round_to_odd(x)); }

template <class T>
void load_as(const Tensor& t, Matrix& m) {
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.cols; ++c) {
      if constexpr (std::is_same_v<T, uint8_t>)
        m(r, c) = t.row<T>(r)[c];
      else
        m(r, c) = to_float(t.row<T>(r)[c]);
    }
}

template <class T>
void store_as(const Matrix& m, const Tensor& t, bool accumulate) {
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.cols; ++c) {
      T& to = t.row<T>(r)[c];
      save(to, accumulate ? m(r, c) + static_cast<double>(to_float(to)) : m(r, c));
    }
}

}  // namespace

Matrix::Matrix(const Tensor& t) : Matrix(t ? t.rows : 0, t ? t.cols : 0) {
  switch (t.dtype) {
    case DType::f32: load_as<float>(t, *this); break;
    case DType::bf16: load_as<bf16>(t, *this); break;
    case DType::f16: load_as<f16>(t, *this); break;
    case DType::u8: load_as<uint8_t>(t, *this); break;
    case DType::i8: load_as<int8_t>(t, *this); break;
    case DType::i32: break;  // read by indices()
  }
}

void Matrix::store(const Tensor& t) const { store(t, false); }

void Matrix::store(const Tensor& t, bool accumulate) const {
  switch (t.dtype) {
    case DType::f32: return store_as<float>(*this, t, accumulate);
    case DType::bf16: return store_as<bf16>(*this, t, accumulate);
    case DType::f16: return store_as<f16>(*this, t, accumulate);
    case DType::u8:
    case DType::i8:
    case DType::i32: return;  // no op writes integers
  }
}

void store_column_sums(const Tensor& t, const Tensor& y, bool accumulate) {
  const Matrix x(t);
  Matrix sums(1, x.cols);
  for (int64_t r = 0; r < x.rows; ++r) add_row(sums, 0, x, r);
  sums.store(y, accumulate);
}

std::vector<int32_t> indices(const Tensor& t) {
  return {t.as<int32_t>(), t.as<int32_t>() + t.count()};
}

}  // namespace cw
