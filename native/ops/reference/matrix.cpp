#include "ops/reference/matrix.h"

namespace cw {
namespace {

double load(const Tensor& t, int64_t r, int64_t c) {
  switch (t.dtype) {
    case DType::f32: return t.row<float>(r)[c];
    case DType::bf16: return to_float(t.row<bf16>(r)[c]);
    case DType::f16: return to_float(t.row<f16>(r)[c]);
    case DType::u8: return t.row<uint8_t>(r)[c];
    case DType::i32: return t.row<int32_t>(r)[c];
  }
  return 0;
}

void save(const Tensor& t, int64_t r, int64_t c, double x) {
  const auto f = static_cast<float>(x);
  switch (t.dtype) {
    case DType::f32: t.row<float>(r)[c] = f; break;
    case DType::bf16: t.row<bf16>(r)[c] = to_bf16(f); break;
    case DType::f16: t.row<f16>(r)[c] = to_f16(f); break;
    case DType::u8: t.row<uint8_t>(r)[c] = static_cast<uint8_t>(x); break;
    case DType::i32: t.row<int32_t>(r)[c] = static_cast<int32_t>(x); break;
  }
}

}  // namespace

Matrix::Matrix(const Tensor& t) : Matrix(t ? t.rows : 0, t ? t.cols : 0) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) (*this)(r, c) = load(t, r, c);
}

void Matrix::store(const Tensor& t) const { store(t, false); }

void Matrix::store(const Tensor& t, bool accumulate) const {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) save(t, r, c, (*this)(r, c) + (accumulate ? load(t, r, c) : 0));
}

std::vector<int32_t> indices(const Tensor& t) {
  return {t.as<int32_t>(), t.as<int32_t>() + t.count()};
}

}  // namespace cw
