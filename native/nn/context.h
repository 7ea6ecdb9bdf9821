// What every layer is given: where to run, where to put tensors, and in which type.
#pragma once
#include <optional>

#include "core/arena.h"
#include "ops/ops.h"

namespace cw {

/// By which angles attention turns its queries and keys, where it is rotary: ops/rotary.h has the fields.
struct Rotation {
  Tensor table, position_ids;
};

struct Context {
  Ops& ops;
  Arena& arena;
  DType type = DType::f32;      // of activations
  bool accumulate = false;      // gradients of parameters hold something: add to it
  bool training = false;        // keep what the backward pass needs
  bool checkpointing = false;   // of a block keep what is as wide as it is and dear to make; the rest is made again
  bool remake_hidden = false;   // Backend::remakes_hidden
  Draws draws{};                // what dropouts draw from; absent: they leave out nothing
  Rotation rotation{};

  /// For what a block makes on its way: with checkpointing a frame that gives it back.
  std::optional<Frame> passing() const {
    if (checkpointing) return std::optional<Frame>(std::in_place, arena);
    return std::nullopt;
  }
  Tensor take(int64_t rows, int64_t cols) const { return arena.take(rows, cols, type); }
  Tensor take_f32(int64_t rows, int64_t cols) const { return arena.take(rows, cols, DType::f32); }
};

}  // namespace cw
