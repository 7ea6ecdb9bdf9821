// The weights of models that only encode: packed once, whole or as their rows come.
#include <omp.h>

#include <algorithm>
#include <atomic>

#include "ops/cpu/isa.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/memory.h"
#include "ops/cpu/packed.h"

namespace cw {

/// With room for each view's values; null where the weight stays as it is.
std::unique_ptr<Packed> OneDnn::packed_room(const Weight& weight, const std::vector<WeightView>& views) {
  const DType type = weight.compute.dtype;
  // Without fast products of bf16 it is multiplied as f32, whose panels must be the same.
  const bool widens = type == DType::bf16 && !multiplies(type);
  if ((!multiplies(type) && type != DType::i8 && !widens) || weight.compute.count() == 0) return nullptr;
  int64_t features = 0;
  for (const WeightView& view : views) features += view.out_features();
  if (features != WeightView{&weight}.out_features()) return nullptr;  // they overlap, or leave some out
  auto packed = std::make_unique<Packed>(weight.input_major);
  packed->by_rows = !weight.input_major;
  for (const WeightView& view : views) {
    packed->by_rows = packed->by_rows && in_words(view.in_features(), view.out_features(), type);
    Packed::Part& part = packed->parts.emplace_back();
    part.operand = forward_side(part_of(weight.compute, view), weight.input_major);
    part.operand.packed = true;
    part.first = view.first;
    const int64_t k = part.operand.rows, n = part.operand.cols;
    part.buffer = allocate_host(packed_layout(k, n, type).get_size());
    part.operand.data = part.buffer->data();
    if (type == DType::i8) part.shift = allocate_host(static_cast<size_t>(n) * sizeof(int32_t));
  }
  return packed;
}

std::unique_ptr<PackedWeight> OneDnn::pack(const Weight& weight, const std::vector<WeightView>& views) {
  std::unique_ptr<Packed> packed = packed_room(weight, views);
  if (!packed) return nullptr;
  for (size_t i = 0; i < views.size(); ++i) {
    const Packed::Part& part = packed->parts[i];
    const Tensor values = part_of(weight.compute, views[i]);
    reorder(forward_side(values, weight.input_major), part.operand.data, Way::in);
    if (part.shift) kernels().zero_shift(values, Tensor::of(part.shift->data(), DType::i32, 1, part.operand.cols));
  }
  return packed;
}

std::unique_ptr<PackedWeight> OneDnn::packed_zeros(const Weight& weight, const std::vector<WeightView>& views) {
  std::unique_ptr<Packed> packed = packed_room(weight, views);
  return packed && packed->by_rows ? std::move(packed) : nullptr;
}

bool OneDnn::writes_rows(const PackedWeight& weight, int64_t first, int64_t count) const {
  const auto& packed = static_cast<const Packed&>(weight);
  return packed.by_rows && std::all_of(packed.parts.begin(), packed.parts.end(), [&](const Packed::Part& part) {
    const int64_t begin = std::max(first, part.first), end = std::min(first + count, part.end());
    return begin >= end || ((begin - part.first) % kPanel == 0 && (end == part.end() || (end - part.first) % kPanel == 0));
  });
}

/// Each thread reads a panel's rows and turns them while they are in its cache: the weight passes through memory once. New memory
/// comes in small pages, as CpuBackend::upload_from says.
bool OneDnn::write_rows(PackedWeight& weight, int64_t first, int64_t count, const Tensor& scales, const Backend::Source& from) {
  struct Panel {
    const Packed::Part* part;
    int64_t row, rows;  // among the part's
  };
  const auto& parts = static_cast<const Packed&>(weight).parts;
  std::vector<Panel> panels;
  for (const Packed::Part& part : parts) {
    const int64_t end = std::min(first + count, part.end()) - part.first;
    for (int64_t row = std::max<int64_t>(first - part.first, 0); row < end; row += kPanel)
      panels.push_back({&part, row, std::min(kPanel, end - row)});
  }
  const int64_t depth = parts.front().operand.rows, size = kPanel * depth;
  const DType type = parts.front().operand.dtype;
  const bool pairs = multiplies(type);
  const int levels = exact_int8() ? 127 : 63;
  const auto space = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(size * threads_));
  for (const Packed::Part& part : parts) advise_pages(part.buffer->data(), part.buffer->bytes(), Pages::small);
  std::atomic<bool> whole{true};
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < panels.size(); ++i) {
    const auto& [part, row, rows] = panels[i];
    float* const at = space.get() + size * omp_get_thread_num();
    if (!whole) continue;
    if (!from(at, (part->first + row - first) * depth, rows * depth)) {
      whole = false;
      continue;
    }
    std::byte* const to = static_cast<std::byte*>(part->operand.data) + row * depth * static_cast<int64_t>(size_of(type));
    kernels().fill_panel({.rows = Tensor::of(at, DType::f32, rows, depth),
                          .to = to,
                          .type = type,
                          .pairs = pairs,
                          .levels = levels,
                          .scales = scales ? scales.as<float>() + part->first + row : nullptr,
                          .shift = part->shift ? static_cast<int32_t*>(part->shift->data()) + row : nullptr});
  }
  for (const Packed::Part& part : parts) advise_pages(part.buffer->data(), part.buffer->bytes(), Pages::large);
  return whole;
}

void OneDnn::unpack(const PackedWeight& weight, const Tensor& to) {
  const auto& packed = static_cast<const Packed&>(weight);
  for (const Packed::Part& part : packed.parts) {
    const Tensor rows = packed.input_major ? to : to.row_range(part.first, part.operand.cols);
    reorder(forward_side(rows, packed.input_major), part.operand.data, Way::out);
  }
}

OneDnn::Rounded OneDnn::rounded_weights(Workspace& work, const WeightView& view) {
  const Weight& weight = *view.weight;
  const int64_t o = view.out_features();
  const Tensor scales = weight.scales.col_range(view.first, o);
  if (weight.packed) {
    const Packed::Part& part = static_cast<const Packed&>(*weight.packed).part(view);
    return {part.operand, scales, Tensor::of(part.shift->data(), DType::i32, 1, o)};
  }
  const Tensor part = part_of(weight.compute, view), shift = work.take(1, o, DType::i32);
  if (work.live()) kernels().zero_shift(part, shift);
  return {forward_side(part, weight.input_major), scales, shift};
}

}  // namespace cw
