// A view of a row-major matrix in device memory. Views never own memory.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace cw {

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  // elements from one row to the next, at least cols

  static Tensor of(void* data, DType dtype, int64_t rows, int64_t cols) { return {data, dtype, rows, cols, cols}; }

  explicit operator bool() const { return data != nullptr; }
  bool contiguous() const { return stride == cols || rows <= 1; }
  int64_t count() const { return rows * cols; }
  size_t bytes() const { return static_cast<size_t>(count()) * size_of(dtype); }

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  template <class T>
  T* row(int64_t r) const {
    return static_cast<T*>(data) + r * stride;
  }

  Tensor row_range(int64_t first, int64_t n) const { return {at(first * stride), dtype, n, cols, stride}; }
  Tensor col_range(int64_t first, int64_t n) const { return {at(first), dtype, rows, n, stride}; }

 private:
  void* at(int64_t elements) const {
    return static_cast<std::byte*>(data) + elements * static_cast<int64_t>(size_of(dtype));
  }
};

}  // namespace cw
