#include "nn/parameter.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cw {
namespace {

int64_t aligned(int64_t elements) {
  return (elements + Parameters::kAlignment - 1) / Parameters::kAlignment * Parameters::kAlignment;
}

}  // namespace

Parameter& Parameters::place(std::deque<Parameter>& in, std::string name, std::vector<int64_t> shape, int64_t offset) {
  Parameter& p = in.emplace_back();
  p.name = std::move(name);
  p.shape = std::move(shape);
  p.offset = offset;
  const bool matrix = p.shape.size() >= 2;
  const int64_t rows = matrix ? p.shape[0] : 1;
  const int64_t cols =
      std::accumulate(p.shape.begin() + (matrix ? 1 : 0), p.shape.end(), int64_t{1}, std::multiplies<>());
  p.weight.master = Tensor::of(nullptr, DType::f32, rows, cols);
  p.weight.id = static_cast<uint32_t>(items_.size() + joined_.size());
  elements_ = std::max(elements_, aligned(offset + rows * cols));
  return p;
}

Parameter& Parameters::add(std::string name, std::vector<int64_t> shape, Init init, bool input_major) {
  Parameter& p = place(items_, std::move(name), std::move(shape), elements_);
  p.init = init;
  p.weight.input_major = input_major;
  return p;
}

Parameter& Parameters::add_joined(const std::vector<std::string>& names, const std::vector<int64_t>& shape, Init init) {
  std::vector<int64_t> all = shape;
  all[0] *= static_cast<int64_t>(names.size());
  int64_t offset = elements_;
  Parameter& joined = place(joined_, names.front(), all, offset);
  for (const std::string& name : names) {
    if (!name.empty()) {
      Parameter& p = place(items_, name, shape, offset);
      p.init = init;
      p.joined = &joined;
    }
    offset += joined.count() / static_cast<int64_t>(names.size());
  }
  return joined;
}

void Parameters::bind(float* values, void* compute, DType type) {
  for (std::deque<Parameter>* all : {&items_, &joined_})
    for (Parameter& p : *all) {
      const auto view = [&](void* base, DType t) {
        return Tensor::of(static_cast<std::byte*>(base) + p.offset * static_cast<int64_t>(size_of(t)), t,
                          p.weight.master.rows, p.weight.master.cols);
      };
      p.weight.master = view(values, DType::f32);
      p.weight.compute = type == DType::f32 ? p.weight.master : view(compute, type);
    }
}

void Parameters::set_grad(size_t i, const Tensor& grad) {
  Parameter& p = items_[i];
  p.grad = grad;
  if (!p.joined) return;
  const Tensor& all = p.joined->weight.master;
  float* const first = grad ? grad.as<float>() - (p.offset - p.joined->offset) : nullptr;
  p.joined->grad = first ? Tensor::of(first, DType::f32, all.rows, all.cols) : Tensor{};
}

std::vector<const Weight*> Parameters::weights() const {
  std::vector<const Weight*> all;
  for (const Parameter& p : items_)
    if (!p.joined) all.push_back(&p.weight);
  for (const Parameter& p : joined_) all.push_back(&p.weight);
  return all;
}

void Parameters::set_trainable(size_t i, bool trainable) {
  items_[i].trainable = trainable;
  Parameter* joined = items_[i].joined;
  if (!joined) return;
  joined->trainable = false;
  for (const Parameter& p : items_)
    if (p.joined == joined && p.trainable) joined->trainable = true;
}

void Parameters::drop(size_t first) {
  elements_ = items_[first].offset;
  while (items_.size() > first) items_.pop_back();
}

void Parameters::touch(Parameter& p) {
  ++p.weight.version;
  if (p.joined) ++p.joined->weight.version;
}

void Parameters::touch() {
  for (Parameter& p : items_) touch(p);
}

}  // namespace cw
