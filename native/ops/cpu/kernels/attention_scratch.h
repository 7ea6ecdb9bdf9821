// What a thread works with in attention, and how large it is. Letters: attention.cpp.
#pragma once
#include "ops/cpu/kernels/attention_tile.h"
#include "ops/cpu/kernels/draws.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kBlock = 96;  // queries at a time: a multiple of the 6 rows of a tile and of a pair

/// Sizes that follow from the longest sequence and the head's width.
template <class Unit>
struct Sizes {
  int64_t np, w, wp, wu, stacked;  // stacked: units for n rows on top of each other

  Sizes(int64_t n, int64_t width)
      : np(round_up(n > 0 ? n : 1, kWidth)),
        w(width),
        wp(round_up(width, kWidth)),
        wu((width + Unit::kPer - 1) / Unit::kPer),
        stacked(np / Unit::kPer) {}
};

/// Pieces of a thread's scratch, 64-byte aligned. Null base: only counts.
class Pieces {
 public:
  explicit Pieces(char* base) : base_(base) {}
  template <class T>
  T* take(int64_t count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += static_cast<size_t>(round_up(count * static_cast<int64_t>(sizeof(T)), 64));
    return piece;
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

template <class Unit>
struct ForwardScratch {
  using P = typename Unit::Value;
  uint32_t *keys, *values, *q;
  float *logits, *out;
  P* p;
  float* factors;  // of one query's probabilities, where some are left out
  size_t bytes;

  ForwardScratch(const Sizes<Unit>& z, char* base) {
    Pieces pieces(base);
    keys = pieces.take<uint32_t>(z.wu * z.np);
    values = pieces.take<uint32_t>(z.stacked * z.wp);
    q = pieces.take<uint32_t>(kBlock * z.wu);
    logits = pieces.take<float>(kBlock * z.np);
    p = pieces.take<P>(kBlock * z.np);
    out = pieces.take<float>(kBlock * z.wp);
    factors = pieces.take<float>(round_up(z.np, kDrawnKeys));
    bytes = pieces.used();
  }
};

template <class Unit>
struct BackwardScratch {
  using P = typename Unit::Value;
  uint32_t *keys, *values, *stacked_keys, *q, *dy, *stacked_q, *stacked_dy, *turned_p, *turned_ds;
  float *logits, *dp, *dq, *dk, *dv;
  P *p, *ds;
  float* factors;  // as ForwardScratch's
  size_t bytes;

  BackwardScratch(const Sizes<Unit>& z, char* base) {
    Pieces pieces(base);
    keys = pieces.take<uint32_t>(z.wu * z.np);
    values = pieces.take<uint32_t>(z.wu * z.np);
    stacked_keys = pieces.take<uint32_t>(z.stacked * z.wp);
    q = pieces.take<uint32_t>(kBlock * z.wu);
    dy = pieces.take<uint32_t>(kBlock * z.wu);
    stacked_q = pieces.take<uint32_t>(kBlock / Unit::kPer * z.wp);
    stacked_dy = pieces.take<uint32_t>(kBlock / Unit::kPer * z.wp);
    turned_p = pieces.take<uint32_t>(Unit::kPer == 2 ? kBlock / 2 * z.np : 0);
    turned_ds = pieces.take<uint32_t>(Unit::kPer == 2 ? kBlock / 2 * z.np : 0);
    logits = pieces.take<float>(kBlock * z.np);
    dp = pieces.take<float>(kBlock * z.np);
    p = pieces.take<P>(kBlock * z.np);
    ds = pieces.take<P>(kBlock * z.np);
    dq = pieces.take<float>(kBlock * z.wp);
    dk = pieces.take<float>(z.np * z.wp);
    dv = pieces.take<float>(z.np * z.wp);
    factors = pieces.take<float>(round_up(z.np, kDrawnKeys));
    bytes = pieces.used();
  }
};

}  // namespace
}  // namespace cw::CW_ISA
