#include "nn/parameter.h"

#include <numeric>
#include <utility>

namespace cw {

Parameter& Parameters::add(std::string name, std::vector<int64_t> shape, Init init, bool input_major) {
  Parameter& p = items_.emplace_back();
  p.name = std::move(name);
  p.shape = std::move(shape);
  p.init = init;
  p.offset = elements_;
  const bool matrix = p.shape.size() >= 2;
  const int64_t rows = matrix ? p.shape[0] : 1;
  const int64_t cols =
      std::accumulate(p.shape.begin() + (matrix ? 1 : 0), p.shape.end(), int64_t{1}, std::multiplies<>());
  p.weight.master = Tensor::of(nullptr, DType::f32, rows, cols);
  p.weight.input_major = input_major;
  p.weight.id = static_cast<uint32_t>(items_.size());
  elements_ += (rows * cols + kAlignment - 1) / kAlignment * kAlignment;
  return p;
}

void Parameters::bind(float* values, float* grads, void* compute, DType type) {
  for (Parameter& p : items_) {
    const auto view = [&](void* base, DType t) {
      return Tensor::of(static_cast<std::byte*>(base) + p.offset * static_cast<int64_t>(size_of(t)), t,
                        p.weight.master.rows, p.weight.master.cols);
    };
    p.weight.master = view(values, DType::f32);
    p.weight.compute = type == DType::f32 ? p.weight.master : view(compute, type);
    p.grad = view(grads, DType::f32);
  }
}

void Parameters::touch() {
  for (Parameter& p : items_) ++p.weight.version;
}

}  // namespace cw
