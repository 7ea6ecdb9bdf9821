#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

/// Rows at and past this one are filler.
int64_t end_of_rows(const Sequences& s) { return indices(s.offsets).back(); }

}  // namespace

void ReferenceBackend::run(const Embed& a) {
  const int64_t end = end_of_rows(a.sequences);
  const Matrix table(a.table), positions(a.positions), token_type(a.token_type);
  const auto ids = indices(a.ids), position_ids = indices(a.position_ids);
  Matrix y(a.y.rows, a.y.cols);
  for (int64_t t = 0; t < end; ++t) {
    add_row(y, t, table, ids[t]);
    add_row(y, t, positions, position_ids[t]);
    if (a.token_type) add_row(y, t, token_type, 0);
  }
  y.store(a.y);
}

void ReferenceBackend::run(const EmbedGrad& a) {
  const int64_t end = end_of_rows(a.sequences);
  const Matrix dy(a.dy);
  const auto scatter = [&](const Tensor& rows, const Tensor& out) {
    if (!out) return;
    const auto to = indices(rows);
    Matrix sum(out.rows, out.cols);
    for (int64_t t = 0; t < end; ++t) add_row(sum, to[t], dy, t);
    sum.store(out, a.accumulate);
  };
  scatter(a.ids, a.dtable);
  scatter(a.position_ids, a.dpositions);
}

void ReferenceBackend::run(const Patchify& a) {
  const int64_t across = a.width / a.patch, grid = across * (a.height / a.patch);
  const bool bytes = a.images.dtype == DType::u8;
  const Matrix images(a.images);
  const auto wanted = a.patches ? indices(a.patches) : std::vector<int32_t>{};
  Matrix y(a.y.rows, a.y.cols);
  for (int64_t p = 0; p < y.rows; ++p) {
    const int64_t source = a.patches ? wanted[p] : p;
    const int64_t n = source / grid, top = source % grid / across * a.patch, left = source % across * a.patch;
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t i = 0; i < a.patch; ++i)
        for (int64_t j = 0; j < a.patch; ++j) {
          const int64_t row = top + i, col = left + j;
          const double value =
              bytes ? (images(n, (row * a.width + col) * 3 + c) / 255 - a.mean[c]) / a.std[c]
                    : images(n, (c * a.height + row) * a.width + col);
          y(p, (c * a.patch + i) * a.patch + j) = value;
        }
  }
  y.store(a.y);
}

void ReferenceBackend::run(const VisionTokens& a) {
  const int64_t end = end_of_rows(a.sequences);
  const Matrix patches(a.patches), class_embedding(a.class_embedding), positions(a.positions);
  const auto source = indices(a.source), position_ids = indices(a.position_ids);
  Matrix y(a.y.rows, a.y.cols);
  for (int64_t t = 0; t < end; ++t) {
    if (source[t] < 0)
      add_row(y, t, class_embedding, 0);
    else
      add_row(y, t, patches, source[t]);
    add_row(y, t, positions, position_ids[t]);
  }
  y.store(a.y);
}

void ReferenceBackend::run(const VisionTokensGrad& a) {
  const int64_t end = end_of_rows(a.sequences);
  const Matrix dy(a.dy);
  const auto source = indices(a.source), position_ids = indices(a.position_ids);
  Matrix dpatches(a.dpatches.rows, dy.cols), dclass(1, dy.cols), dpositions(a.dpositions.rows, dy.cols);
  for (int64_t t = 0; t < end; ++t) {
    if (source[t] < 0)
      add_row(dclass, 0, dy, t);
    else if (a.dpatches)
      add_row(dpatches, source[t], dy, t);
    if (a.dpositions) add_row(dpositions, position_ids[t], dy, t);
  }
  if (a.dpatches) dpatches.store(a.dpatches);
  if (a.dclass) dclass.store(a.dclass, a.accumulate);
  if (a.dpositions) dpositions.store(a.dpositions, a.accumulate);
}

}  // namespace cw
