// Where an op takes its scratch. scratch() and run() go through the same code: over a measuring
// workspace it takes the same pieces but computes nothing, so the two cannot disagree.
#pragma once
#include "core/arena.h"

namespace cw {

class Workspace {
 public:
  static Workspace measuring() { return {Arena::measuring(), true}; }
  static Workspace over(Arena arena) { return {arena, false}; }

  /// Uninitialised [rows, cols].
  Tensor take(int64_t rows, int64_t cols, DType dtype) { return arena_.take(rows, cols, dtype); }
  /// False while measuring: no memory may be touched then.
  bool live() const { return !measuring_; }
  Arena& arena() { return arena_; }
  size_t peak() const { return arena_.peak(); }

 private:
  Workspace(Arena arena, bool measuring) : arena_(arena), measuring_(measuring) {}

  Arena arena_;
  bool measuring_;
};

}  // namespace cw
