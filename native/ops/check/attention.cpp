#include "core/dropout.h"
#include "ops/check/check.h"
#include "ops/check/field.h"

namespace cw {
namespace {

void check_queries(const CheckedOp& op, const Queries& q, int64_t sequences, int64_t rows) {
  op.vector("queries.offsets", q.offsets, sequences + 1, DType::i32);
  op.field("queries.positions", q.positions).given();
  op.vector("queries.positions", q.positions, rows, DType::i32);
}

template <class A>
void check_attention(const CheckedOp& op, const A& a) {
  op.sequences(a.sequences);
  const int64_t r = a.q.rows, d = a.q.cols, t = a.k.rows;
  op.demand(a.heads > 0 && d % a.heads == 0, "heads", "must divide the width");
  op.field("q", a.q).given().floating();
  op.field("k", a.k).given().is(t, d).type(a.q.dtype);
  op.field("v", a.v).given().is(t, d).type(a.q.dtype);
  op.field("y", a.y).given().is(r, d).type(a.q.dtype);
  op.field("lse", a.lse).is(a.heads, r).type(DType::f32).dense();
  if (a.queries)
    check_queries(op, a.queries, a.sequences.count, r);
  else
    op.demand(r == t, "q", "must have as many rows as k unless queries are given");
  op.drop(a.drop);
  op.demand(!a.drop || a.heads <= kDropoutHeads, "heads", "must be at most 2048 where probabilities are left out");
}

}  // namespace

void check(const Ops& ops, const Attention& a) { check_attention(CheckedOp{ops, "attention"}, a); }

void check(const Ops& ops, const AttentionGrad& a) {
  const CheckedOp op{ops, "attention_grad"};
  check_attention(op, a);
  op.field("lse", a.lse).given();
  op.field("dy", a.dy).given().is(a.q.rows, a.q.cols).type(a.q.dtype);
  op.field("dq", a.dq).given().is(a.q.rows, a.q.cols).type(a.q.dtype);
  op.field("dk", a.dk).given().is(a.k.rows, a.k.cols).type(a.q.dtype);
  op.field("dv", a.dv).given().is(a.v.rows, a.v.cols).type(a.q.dtype);
}

}  // namespace cw
