// How losses over pairs walk over the products image·text: oneDNN multiplies image rows by text rows, a kernel reads the tile
// or makes the gradient of it, and its memory is used again. Nothing as large as the matrix of logits ever exists.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/cpu/kernels/table.h"
#include "ops/cpu/onednn.h"
#include "ops/cpu/widen.h"

namespace cw {

inline constexpr int64_t kTileRows = 512;  // with kPairCols columns 4 MiB of f32
/// Elements between a tile's rows: rows that lie a power of two apart would meet in a few sets of the first cache, where oneDNN
/// reads them by columns.
inline constexpr int64_t kTileGap = 64;

inline Tensor take_tile(Workspace& work, int64_t rows, int64_t cols, DType type) {
  return work.take(rows, cols + kTileGap, type).col_range(0, cols);
}

struct Span {
  int64_t first, count;
};

inline Span span(int64_t first, int64_t total, int64_t most) { return {first, std::min(most, total - first)}; }

template <class Body>
void for_each_span(int64_t total, int64_t most, Body&& body) {
  for (int64_t first = 0; first < total; first += most) body(span(first, total, most));
}

/// Features and logits' scale of an op over pairs, and the tile that its products pass through. Op: with image, text,
/// logit_scale, groups and row_offset.
template <class Op>
class PairTiles {
 public:
  PairTiles(OneDnn& onednn, Workspace& work, const Op& op)
      : onednn_(onednn),
        work_(work),
        op_(op),
        dots_(take_tile(work, std::min(kTileRows, op.image.rows), std::min(kPairCols, op.text.rows), DType::f32)),
        scale_(work.live() ? std::exp(*op.logit_scale.template as<float>()) : 1.0f) {}

  /// Rows of features in a type that oneDNN multiplies.
  Tensor rows(const Tensor& features, Span s) {
    const Tensor part = features.row_range(s.first, s.count);
    return onednn_.multiplies(part.dtype) ? part : widened(work_, part);
  }

  /// The tile's products, with what the kernels need to read them as logits.
  PairTile multiply(const Tensor& image, Span i, const Tensor& text, Span j) {
    const Tensor dots = dots_.row_range(0, i.count).col_range(0, j.count);
    onednn_.multiply(work_, {.a = image, .b = Operand(text).transposed(), .c = dots});
    const int32_t* groups = op_.groups.template as<int32_t>();
    const int64_t row = op_.row_offset + i.first;  // among the global rows
    return {.dots = dots.as<float>(),
            .stride = dots.stride,
            .rows = i.count,
            .cols = j.count,
            .scale = scale_,
            .diagonal = row - j.first,
            .row_groups = groups ? groups + row : nullptr,
            .col_groups = groups ? groups + j.first : nullptr};
  }

  const Tensor& dots() const { return dots_; }

 private:
  OneDnn& onednn_;
  Workspace& work_;
  const Op& op_;
  Tensor dots_;
  float scale_;
};

/// Image rows as PairTiles::rows gives them, elsewhere where their gradients are to take their place.
template <class Op>
Tensor apart(Workspace& work, const Op& op, const Tensor& rows) {
  if (op.dimage.data != op.image.data) return rows;
  const Tensor copy = work.take(rows.rows, rows.cols, rows.dtype);
  if (work.live()) std::memcpy(copy.data, rows.data, rows.bytes());
  return copy;
}

/// The gradient of a loss by a tile's products, which a kernel writes, on its way to dimage and dtext. In f32 it takes the
/// products' place; in bf16 it has one of its own. Op: with image, text, loss_scale, dimage and dtext.
template <class Op>
class TiledGradient {
 public:
  TiledGradient(OneDnn& onednn, Workspace& work, const Op& op, const Tensor& dots)
      : onednn_(onednn),
        work_(work),
        op_(op),
        d_(onednn.multiplies(op.image.dtype) && op.image.dtype != DType::f32
               ? take_tile(work, dots.rows, dots.cols, op.image.dtype)
               : dots),
        loss_scale_(work.live() && op.loss_scale ? *op.loss_scale.template as<float>() : 1) {
    if (work.live() && op.image.rows == 0) std::memset(op.dtext.data, 0, op.dtext.bytes());
  }

  float loss_scale() const { return loss_scale_; }
  bool bf16() const { return d_.dtype == DType::bf16; }
  Tensor part(Span i, Span j) const { return d_.row_range(0, i.count).col_range(0, j.count); }

  /// Once the part holds it: adds what it says of these rows, which are as PairTiles::rows gave them.
  void add(const Tensor& part, const Tensor& image, Span i, const Tensor& text, Span j) {
    onednn_.multiply(work_, {.a = part, .b = text, .c = op_.dimage.row_range(i.first, i.count), .accumulate = j.first > 0});
    onednn_.multiply(work_, {.a = Operand(part).transposed(), .b = image, .c = op_.dtext.row_range(j.first, j.count),
                             .accumulate = i.first > 0});
  }

 private:
  OneDnn& onednn_;
  Workspace& work_;
  const Op& op_;
  Tensor d_;
  float loss_scale_;
};

}  // namespace cw
