// A stack of tensors in one block of device memory. A step takes its tensors in a fixed order and gives them back in
// the reverse one, so the same code run over a measuring arena (no memory behind it) tells exactly how much it needs.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "core/poison.h"
#include "core/tensor.h"

namespace cw {

class Arena {
 public:
  static constexpr size_t kAlignment = 256;  // what products on cards are fastest with

  Arena(void* base, size_t capacity)
      : base_(static_cast<std::byte*>(base)), capacity_(capacity), guards_(capacity != kUnlimited && closable(base)) {}

  /// An arena that only counts: its tensors have distinct addresses that must not be touched.
  static Arena measuring() { return Arena(reinterpret_cast<void*>(uintptr_t{1} << 20), kUnlimited); }

  /// Uninitialised [rows, cols]. Throws device when the plan was too small, which is a bug in the plan.
  Tensor take(int64_t rows, int64_t cols, DType dtype) {
    const size_t bytes = static_cast<size_t>(rows) * static_cast<size_t>(cols) * size_of(dtype);
    const size_t padded = (bytes + kAlignment - 1) / kAlignment * kAlignment + kRedZone;
    if (padded > capacity_ - used_) throw Error(Code::device, "[arena] a step needs more memory than its plan foresaw");
    Tensor t = Tensor::of(base_ + used_, dtype, rows, cols);
    if (guards_) {
      unpoison(t.data, bytes);
      poison(base_ + used_ + bytes, padded - bytes);
    }
    used_ += padded;
    peak_ = std::max(peak_, used_);
    return t;
  }

  size_t used() const { return used_; }
  size_t peak() const { return peak_; }
  void release_to(size_t mark) {
    if (guards_) poison(base_ + mark, used_ - mark);
    used_ = mark;
  }

 private:
  static constexpr size_t kUnlimited = SIZE_MAX / 2;

  std::byte* base_;
  size_t capacity_;
  bool guards_;  // for AddressSanitizer: closes what is free
  size_t used_ = 0;
  size_t peak_ = 0;
};

/// Gives back at its end all that was taken since its start.
class Frame {
 public:
  explicit Frame(Arena& arena) : arena_(arena), mark_(arena.used()) {}
  ~Frame() { arena_.release_to(mark_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

 private:
  Arena& arena_;
  size_t mark_;
};

}  // namespace cw
