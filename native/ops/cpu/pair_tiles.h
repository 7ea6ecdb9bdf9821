// How losses over pairs walk over the products text·image: text rows are multiplied by image rows, a kernel reads the tile or
// makes the gradient of it, and its memory is used again. Nothing as large as the matrix of logits ever exists.
//
// Images are the outer walk, and a tile's columns: as right sides of products they are put in order once for all texts.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/cpu/kernels/table.h"
#include "ops/cpu/onednn.h"

namespace cw {

inline constexpr int64_t kTileRows = 512;  // with kPairCols columns 2 MiB of f32
/// Elements between a tile's rows: rows that lie a power of two apart would meet in a few sets of the first cache, where
/// products read them by columns.
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

/// Some rows of image features, as the products of their tiles read them.
struct PairImages {
  Span span;
  Operand columns;  // [E, count], for the products themselves
  Operand rows;     // [count, E], for dtext; with_gradient only
};

/// Products of features: by our own kernel of f32 with panels, or by oneDNN in the type that it multiplies faster.
class PairProducts {
 public:
  PairProducts(OneDnn& onednn, Workspace& work, DType features)
      : onednn_(onednn), work_(work), own_(features == DType::f32 || !onednn.multiplies(features)) {}

  bool own() const { return own_; }

  Operand right_side(const Operand& b) { return own_ ? onednn_.panels_of(work_, b) : b; }

  /// c = a·b, or += that.
  void multiply(const Tensor& a, const Operand& b, const Tensor& c, bool accumulate = false) {
    if (!own_) return onednn_.multiply(work_, {.a = a, .b = b, .c = c, .accumulate = accumulate});
    const Frame frame(work_.arena());
    const WidePanels panels = onednn_.wide_panels(work_, b, a.rows);
    if (work_.live()) kernels().wide_linear({.x = a, .residual = accumulate ? c : Tensor{}, .y = c}, panels);
  }

  /// c = aᵀ·b, or += that.
  void multiply_turned(const Tensor& a, const Operand& b, const Tensor& c, bool accumulate) {
    if (!own_) return onednn_.multiply(work_, {.a = Operand(a).transposed(), .b = b, .c = c, .accumulate = accumulate});
    const Frame frame(work_.arena());
    const WidePanels panels = onednn_.wide_panels(work_, b, a.cols);
    if (work_.live()) kernels().wide_weight_grad(a, panels, c, accumulate, {});
  }

 private:
  OneDnn& onednn_;
  Workspace& work_;
  const bool own_;
};

/// Features and logits' scale of an op over pairs, and the tile that its products pass through. Op: with image, text,
/// logit_scale, groups and row_offset.
template <class Op>
class PairTiles {
 public:
  PairTiles(OneDnn& onednn, Workspace& work, const Op& op)
      : products_(onednn, work, op.image.dtype),
        op_(op),
        dots_(take_tile(work, std::min(kTileRows, op.text.rows), std::min(kPairCols, op.image.rows), DType::f32)),
        scale_(work.live() ? std::exp(*op.logit_scale.template as<float>()) : 1.0f) {}

  /// In f32 they are copies: dimage may then take the place of the features.
  PairImages images(Span i, bool with_gradient = false) {
    const Operand rows = op_.image.row_range(i.first, i.count);
    return {i, products_.right_side(rows.transposed()), with_gradient ? products_.right_side(rows) : Operand()};
  }

  Tensor texts(Span j) const { return op_.text.row_range(j.first, j.count); }

  /// The tile's products, with what the kernels need to read them as logits.
  PairTile multiply(const PairImages& images, Span j) {
    const Span i = images.span;
    const Tensor dots = dots_.row_range(0, j.count).col_range(0, i.count);
    products_.multiply(texts(j), images.columns, dots);
    const int32_t* groups = op_.groups.template as<int32_t>();
    const int64_t column = op_.row_offset + i.first;  // among the global rows
    return {.dots = dots.as<float>(),
            .stride = dots.stride,
            .rows = j.count,
            .cols = i.count,
            .scale = scale_,
            .diagonal = j.first - column,
            .row_groups = groups ? groups + j.first : nullptr,
            .col_groups = groups ? groups + column : nullptr};
  }

  const Tensor& dots() const { return dots_; }
  PairProducts& products() { return products_; }

 private:
  PairProducts products_;
  const Op& op_;
  Tensor dots_;
  float scale_;
};

/// The gradient of a loss by a tile's products, which a kernel writes, on its way to dimage and dtext. In f32 it takes the
/// products' place; in bf16 it has one of its own. Op: with image, text, loss_scale, dimage and dtext.
template <class Op>
class TiledGradient {
 public:
  template <class Tiled>
  TiledGradient(PairTiles<Tiled>& tiles, Workspace& work, const Op& op)
      : products_(tiles.products()),
        work_(work),
        op_(op),
        d_(products_.own() ? tiles.dots() : take_tile(work, tiles.dots().rows, tiles.dots().cols, op.image.dtype)),
        loss_scale_(work.live() && op.loss_scale ? *op.loss_scale.template as<float>() : 1) {
    if (work.live() && op.image.rows == 0) std::memset(op.dtext.data, 0, op.dtext.bytes());
  }

  float loss_scale() const { return loss_scale_; }
  bool bf16() const { return d_.dtype == DType::bf16; }
  Tensor part(const PairImages& images, Span j) const { return d_.row_range(0, j.count).col_range(0, images.span.count); }

  /// Once the part holds it: adds what it says of these rows.
  void add(const Tensor& part, const PairImages& images, Span j) {
    const Span i = images.span;
    products_.multiply(part, images.rows, op_.dtext.row_range(j.first, j.count), i.first > 0);
    const Frame frame(work_.arena());
    const Operand text = products_.right_side(op_.text.row_range(j.first, j.count));
    products_.multiply_turned(part, text, op_.dimage.row_range(i.first, i.count), j.first > 0);
  }

 private:
  PairProducts& products_;
  Workspace& work_;
  const Op& op_;
  Tensor d_;
  float loss_scale_;
};

}  // namespace cw
