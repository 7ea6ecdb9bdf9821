#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {

void check(const Ops& ops, const Embed& a) {
  const CheckedOp op{ops, "embed"};
  op.sequences(a.sequences);
  op.field("y", a.y).given().floating();
  op.field("ids", a.ids).given();
  op.field("position_ids", a.position_ids).given();
  op.vector("ids", a.ids, a.y.rows, DType::i32);
  op.vector("position_ids", a.position_ids, a.y.rows, DType::i32);
  op.field("table", a.table).given().is(a.table.rows, a.y.cols).type(DType::f32).dense();
  op.field("positions", a.positions).given().is(a.positions.rows, a.y.cols).type(DType::f32).dense();
  op.vector("token_type", a.token_type, a.y.cols);
}

void check(const Ops& ops, const EmbedGrad& a) {
  const CheckedOp op{ops, "embed_grad"};
  op.sequences(a.sequences);
  op.field("dy", a.dy).given().floating();
  if (a.dtable) op.field("ids", a.ids).given();
  if (a.dpositions) op.field("position_ids", a.position_ids).given();
  op.vector("ids", a.ids, a.dy.rows, DType::i32);
  op.vector("position_ids", a.position_ids, a.dy.rows, DType::i32);
  op.field("dtable", a.dtable).is(a.dtable.rows, a.dy.cols).type(DType::f32).dense();
  op.field("dpositions", a.dpositions).is(a.dpositions.rows, a.dy.cols).type(DType::f32).dense();
}

void check(const Ops& ops, const Patchify& a) {
  const CheckedOp op{ops, "patchify"};
  op.demand(a.patch > 0 && a.height >= a.patch && a.width >= a.patch, "patch", "must fit the image's height and width");
  op.field("images", a.images).given().is(a.images.rows, 3 * a.height * a.width).dense();
  op.demand(a.images.dtype == DType::u8 || a.images.dtype == DType::f32, "images", "expected u8 or f32");
  const int64_t grid = (a.height / a.patch) * (a.width / a.patch);
  const int64_t p = a.patches ? a.patches.cols : a.images.rows * grid;
  op.vector("patches", a.patches, p, DType::i32);
  op.field("y", a.y).given().is(p, 3 * a.patch * a.patch).floating();
}

void check(const Ops& ops, const VisionTokens& a) {
  const CheckedOp op{ops, "vision_tokens"};
  op.sequences(a.sequences);
  const int64_t t = a.y.rows, d = a.y.cols;
  op.field("y", a.y).given().floating();
  op.field("patches", a.patches).given().is(a.patches.rows, d).type(a.y.dtype);
  op.vector("class_embedding", a.class_embedding, d);
  op.field("positions", a.positions).given().is(a.positions.rows, d).type(DType::f32).dense();
  op.field("source", a.source).given();
  op.field("position_ids", a.position_ids).given();
  op.vector("source", a.source, t, DType::i32);
  op.vector("position_ids", a.position_ids, t, DType::i32);
}

void check(const Ops& ops, const VisionTokensGrad& a) {
  const CheckedOp op{ops, "vision_tokens_grad"};
  op.sequences(a.sequences);
  const int64_t t = a.dy.rows, d = a.dy.cols;
  op.field("dy", a.dy).given().floating();
  op.field("source", a.source).given();
  op.vector("source", a.source, t, DType::i32);
  if (a.dpositions) op.field("position_ids", a.position_ids).given();
  op.vector("position_ids", a.position_ids, t, DType::i32);
  op.field("dpatches", a.dpatches).is(a.dpatches.rows, d).type(a.dy.dtype);
  op.vector("dclass", a.dclass, d);
  op.field("dpositions", a.dpositions).is(a.dpositions.rows, d).type(DType::f32).dense();
}

}  // namespace cw
