// How losses over pairs walk over the products image·text: square tiles are multiplied by cuBLASLt into scratch, an own kernel reads
// each, and its memory is used again. The matrix as a whole never exists.
#pragma once
#include <algorithm>

#include "ops/cuda/device/pairs.cuh"
#include "ops/cuda/products.h"

namespace cw {

struct Span {
  int64_t first, count;
};

/// The largest tile whose gradient's product [tile, tile]·[tile, E] gives every multiprocessor at most one block of
/// 128 x 128, at most 4096: 64 MiB of f32. Smaller ones leave multiprocessors idle, larger ones only take memory.
inline int64_t tile_size(int64_t features, int multiprocessors) {
  constexpr int64_t kProductBlock = 128, kUnit = kBlockCols, kMost = 4096;
  const int64_t across = std::max<int64_t>(ceil_div(features, kProductBlock), 1);
  return std::clamp(multiprocessors * kProductBlock / across / kUnit * kUnit, kUnit, kMost);
}

/// Image rows as PairTiles::features gives them, elsewhere where their gradients are to take their place.
template <class Op>
Tensor apart(Workspace& work, cudaStream_t stream, const Op& op, const Tensor& rows) {
  if (op.dimage.data != op.image.data) return rows;
  const Tensor copy = work.take(rows.rows, rows.cols, rows.dtype);
  if (work.live()) padded_copy(stream, rows, copy);
  return copy;
}

/// Op: with image, text, logit_scale, groups and row_offset.
template <class Op>
class PairTiles {
 public:
  PairTiles(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const Op& op)
      : products_(products),
        work_(work),
        stream_(stream),
        op_(op),
        size_(tile_size(op.image.cols, multiprocessors)),
        dots_(take(DType::f32)) {}

  /// Calls body for the spans of rows or columns that tiles have; with an empty one where there is nothing.
  template <class Body>
  void for_each_span(int64_t total, Body&& body) const {
    for (int64_t first = 0; first == 0 || first < total; first += size_) body(Span{first, std::min(size_, total - first)});
  }

  /// Of pair_grid, over all tiles.
  int64_t blocks(int64_t rows, int64_t cols) const {
    int64_t all = 0;
    for_each_span(rows, [&](Span i) {
      for_each_span(cols, [&](Span j) { all += ceil_div(i.count, kBlockRows) * ceil_div(j.count, kBlockCols); });
    });
    return all;
  }

  /// bf16 is multiplied as it is. f16 is widened: its range is too small for gradients of single pairs.
  DType type() const { return op_.image.dtype == DType::bf16 ? DType::bf16 : DType::f32; }

  const Tensor& dots() const { return dots_; }
  /// A matrix like a tile, with rows at multiples of 16 bytes.
  Tensor take(DType dtype) {
    constexpr int64_t kUnit = 8;
    const int64_t rows = std::min(size_, op_.image.rows), cols = std::min(size_, op_.text.rows);
    return work_.take(rows, ceil_div(cols, kUnit) * kUnit, dtype).col_range(0, cols);
  }

  Tensor features(const Tensor& all, Span s) {
    const Tensor part = all.row_range(s.first, s.count);
    if (part.dtype == type()) return part;
    const Tensor wide = work_.take(part.rows, part.cols, type());
    if (work_.live()) padded_copy(stream_, part, wide);
    return wide;
  }

  /// Puts the product of image rows i and text rows j on the stream.
  PairTile multiply(const Tensor& image, Span i, const Tensor& text, Span j) {
    const Tensor dots = dots_.row_range(0, i.count).col_range(0, j.count);
    products_.multiply(work_, stream_, {.a = {image}, .b = {text, true}, .c = dots});
    const auto* groups = op_.groups.template as<const int32_t>();
    const int64_t row = op_.row_offset + i.first;  // among the global rows
    return {.dots = dots.as<float>(),
            .stride = dots.stride,
            .rows = static_cast<int>(i.count),
            .cols = static_cast<int>(j.count),
            .diagonal = row - j.first,
            .row_groups = groups ? groups + row : nullptr,
            .col_groups = groups ? groups + j.first : nullptr,
            .logit_scale = op_.logit_scale.template as<const float>()};
  }

 private:
  Products& products_;
  Workspace& work_;
  cudaStream_t stream_;
  const Op& op_;
  int64_t size_;
  Tensor dots_;
};

}  // namespace cw
