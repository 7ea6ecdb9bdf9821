// Self-attention with its projections. D width, T packed tokens, R rows asked for.
#pragma once
#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace cw {

/// Which rows of the packed tokens a layer's output has. Absent: all, R = T.
struct RowSubset {
  Tensor rows;      // i32 [1,R] packed rows, distinct
  Queries queries;  // the same rows as attention wants them

  explicit operator bool() const { return static_cast<bool>(rows); }
};

struct SelfAttention {
  LinearLayer in_proj;  // [3D,D]: q, k and v below one another
  LinearLayer out_proj;
  int64_t heads = 1;
  bool causal = false;
  DropoutLayer dropout{};  // of probabilities
  bool rotary = false;     // queries and keys turn as the context says
  NormLayer norm{};        // of what the heads give, before out_proj; or none

  bool learns() const { return in_proj.learns() || out_proj.learns() || norm.learns(); }

  struct Saved {
    Tensor x;       // [T,D] kept by reference
    Tensor x_rows;  // [R,D] of it, when a subset asks
    Tensor qkv;     // [T,3D]; [T,2D] (k, v) when a subset asks; q and k turned
    Tensor q;       // [R,D]
    Tensor y, lse;  // [R,D], f32 [H,R]
    NormLayer::Saved norm;
    Tensor normed;  // [R,D] out_proj's input: y, where there is no norm
  };

  /// What stays until backward whatever else is given back, before `forward` fills it: x_rows, qkv and q of T and R rows.
  void take_kept(const Context& c, int64_t t, int64_t r, const RowSubset& subset, Saved& s) const;
  /// y [R,D] = out_proj(attention of x [T,D]) + the asked rows of residual [T,D], which may be x, or nothing.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor residual, Tensor y,
               Saved& s) const;
  /// Of what take_kept did not take, what backward reads: x [T,D], which forward was given; attention itself, and the norm.
  void attend(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Saved& s) const;
  /// dx [T,D] of dy [R,D]; residual [R,D], optional, is added to the asked rows of dx. out_proj's bias is the caller's: its
  /// gradient is the column sums of dy.
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, const Saved& s, Tensor dy, Tensor dx,
                Tensor residual = {}) const;

 private:
  int64_t width() const { return in_proj.w->weight.master.cols; }
  Features q_part() const { return {0, width()}; }
  Features kv_part() const { return {width(), 2 * width()}; }
  /// In place, queries, keys or both; rows: which packed ones they are, absent: all.
  void turn(const Context& c, Tensor x, Tensor rows, bool backwards = false) const;
};

}  // namespace cw
