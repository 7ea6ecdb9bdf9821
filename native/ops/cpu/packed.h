// A weight of a model that only encodes, in the layout of right-hand sides.
#pragma once
#include <memory>
#include <vector>

#include "core/error.h"
#include "ops/backend.h"
#include "ops/cpu/onednn.h"

namespace cw {

/// Of a weight's values, those that a view takes.
inline Tensor part_of(const Tensor& whole, const WeightView& view) {
  return view.weight->input_major ? whole : whole.row_range(view.first, view.out_features());
}

/// As the right side of a forward product: [I,O].
inline Operand forward_side(const Tensor& part, bool input_major) {
  return input_major ? Operand(part) : Operand(part).transposed();
}

/// Each view's values by themselves: oneDNN's blocks need not end where a view does.
struct Packed final : PackedWeight {
  struct Part {
    int64_t first;
    Operand operand;
    std::unique_ptr<Buffer> buffer, shift;  // shift: of an i8 weight, kernels().zero_shift
    int64_t end() const { return first + operand.cols; }
  };
  explicit Packed(bool input_major) : input_major(input_major) {}

  const Part& part(const WeightView& view) const {
    for (const Part& part : parts)
      if (part.first == view.first && part.operand.cols == view.out_features()) return part;
    throw Error(Code::device, "[linear] w: asks for another part of a weight than it was packed for");
  }

  const bool input_major;
  bool by_rows = false;  // OneDnn::write_rows knows where a row's numbers lie
  std::vector<Part> parts;
};

}  // namespace cw
