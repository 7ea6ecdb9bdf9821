// What every layer is given: where to run, where to put tensors, and in which type.
#pragma once
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
  bool checkpointing = false;   // keep only each block's input and recompute the rest
  bool remake_hidden = false;   // Backend::remakes_hidden
  Draws draws{};                // what dropouts draw from; absent: they leave out nothing
  Rotation rotation{};

  Tensor take(int64_t rows, int64_t cols) const { return arena.take(rows, cols, type); }
  Tensor take_f32(int64_t rows, int64_t cols) const { return arena.take(rows, cols, DType::f32); }
};

}  // namespace cw
