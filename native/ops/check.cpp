#include "ops/check.h"

#include <string>

#include "core/error.h"

namespace cw {
namespace {

std::string shape(const Tensor& t) {
  return std::string(name_of(t.dtype)) + " [" + std::to_string(t.rows) + ", " + std::to_string(t.cols) + "]";
}

/// Collects what an op demands of one field; the first broken demand throws.
class Field {
 public:
  Field(const Ops& ops, const char* op, const char* name, const Tensor& t) : ops_(ops), op_(op), name_(name), t_(t) {}

  const Field& given() const {
    if (!t_) fail("is missing");
    return *this;
  }
  const Field& is(int64_t rows, int64_t cols) const {
    if (t_ && (t_.rows != rows || t_.cols != cols || t_.stride < t_.cols))
      fail("expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "], got " + shape(t_));
    return *this;
  }
  const Field& type(DType a) const {
    if (t_ && t_.dtype != a) fail(std::string("expected ") + name_of(a) + ", got " + shape(t_));
    return *this;
  }
  const Field& floating() const {
    if (t_ && t_.dtype != DType::f32 && t_.dtype != DType::bf16 && t_.dtype != DType::f16)
      fail("expected a floating type, got " + shape(t_));
    if (t_ && !ops_.computes(t_.dtype))
      fail(std::string("this device does not compute in ") + name_of(t_.dtype) + "; use bf16 or f32", Code::unsupported);
    return *this;
  }
  const Field& dense() const {
    if (t_ && !t_.contiguous()) fail("must be contiguous");
    return *this;
  }
  [[noreturn]] void fail(const std::string& what, Code code = Code::invalid_argument) const {
    throw Error(code, std::string("[") + op_ + "] " + name_ + ": " + what);
  }

 private:
  const Ops& ops_;
  const char* op_;
  const char* name_;
  const Tensor& t_;
};

struct Op {
  const Ops& ops;
  const char* name;
  Field field(const char* f, const Tensor& t) const { return {ops, name, f, t}; }
  /// An f32 or i32 row vector of n.
  void vector(const char* f, const Tensor& t, int64_t n, DType type = DType::f32) const {
    field(f, t).is(1, n).type(type).dense();
  }
  void demand(bool ok, const char* f, const std::string& what) const {
    if (!ok) field(f, {}).fail(what);
  }
  void sequences(const Sequences& s) const {
    field("sequences.offsets", s.offsets).given();
    vector("sequences.offsets", s.offsets, s.count + 1, DType::i32);
  }
};

void check_weight(const Op& op, const WeightView& v) {
  op.demand(v.weight != nullptr && v.weight->master && v.weight->compute, "w", "is missing");
  const Tensor& m = v.weight->master;
  op.field("w.master", m).type(DType::f32).dense();
  op.field("w.compute", v.weight->compute).is(m.rows, m.cols).floating().dense();
  if (v.weight->input_major)
    op.demand(v.first == 0 && v.count < 0, "w", "input_major weights are used whole");
  else
    op.demand(v.first >= 0 && v.first + v.out_features() <= m.rows && v.out_features() >= 0, "w",
              "asks for rows past the weight's end");
}

void check_queries(const Op& op, const Queries& q, int64_t sequences, int64_t rows) {
  op.vector("queries.offsets", q.offsets, sequences + 1, DType::i32);
  op.field("queries.positions", q.positions).given();
  op.vector("queries.positions", q.positions, rows, DType::i32);
}

template <class A>
void check_attention(const Op& op, const A& a) {
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
}

template <class A>
void check_pairs(const Op& op, const A& a) {
  const int64_t n = a.image.rows, m = a.text.rows, e = a.image.cols;
  op.field("image", a.image).given().floating().dense();
  op.field("text", a.text).given().is(m, e).type(a.image.dtype).dense();
  op.field("logit_scale", a.logit_scale).given();
  op.vector("logit_scale", a.logit_scale, 1);
  op.vector("groups", a.groups, m, DType::i32);
  op.field("row_lse", a.row_lse).given();
  op.field("col_lse", a.col_lse).given();
  op.vector("row_lse", a.row_lse, n);
  op.vector("col_lse", a.col_lse, m);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= m, "row_offset", "local rows must lie within the global ones");
}

}  // namespace

void check(const Ops& ops, const Linear& a) {
  const Op op{ops, "linear"};
  check_weight(op, a.w);
  const int64_t t = a.x.rows, o = a.w.out_features();
  op.field("x", a.x).given().is(t, a.w.in_features()).type(a.w.weight->compute.dtype);
  op.field("y", a.y).given().is(t, o).floating();
  op.demand(a.y.dtype == a.x.dtype || a.y.dtype == DType::f32, "y", "must have x's type or f32");
  op.vector("b", a.b, o);
  op.field("residual", a.residual).is(t, o).type(a.y.dtype);
  op.field("pre", a.pre).is(t, o).type(a.x.dtype);
}

void check(const Ops& ops, const LinearInputGrad& a) {
  const Op op{ops, "linear_input_grad"};
  check_weight(op, a.w);
  op.field("dy", a.dy).given().is(a.dy.rows, a.w.out_features()).type(a.w.weight->compute.dtype);
  op.field("dx", a.dx).given().is(a.dy.rows, a.w.in_features()).type(a.dy.dtype);
  if (a.act != Act::none) op.field("pre", a.pre).given().is(a.dx.rows, a.dx.cols).type(a.dx.dtype);
  op.field("residual", a.residual).is(a.dx.rows, a.dx.cols).type(a.dx.dtype);
  op.demand(a.act == Act::none || !a.residual, "residual", "goes with no activation");
}

void check(const Ops& ops, const LinearWeightGrad& a) {
  const Op op{ops, "linear_weight_grad"};
  op.field("x", a.x).given().floating();
  op.field("dy", a.dy).given().is(a.x.rows, a.dy.cols).type(a.x.dtype);
  const int64_t o = a.dy.cols, i = a.x.cols;
  op.field("dw", a.dw).is(a.input_major ? i : o, a.input_major ? o : i).type(DType::f32).dense();
  op.vector("db", a.db, o);
}

void check(const Ops& ops, const LayerNorm& a) {
  const Op op{ops, "layer_norm"};
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
  op.field("gamma", a.gamma).given();
  op.field("beta", a.beta).given();
  op.vector("gamma", a.gamma, a.x.cols);
  op.vector("beta", a.beta, a.x.cols);
  op.vector("mean", a.mean, a.x.rows);
  op.vector("rstd", a.rstd, a.x.rows);
  op.demand(static_cast<bool>(a.mean) == static_cast<bool>(a.rstd), "rstd", "goes together with mean");
}

void check(const Ops& ops, const LayerNormGrad& a) {
  const Op op{ops, "layer_norm_grad"};
  const int64_t t = a.x.rows, d = a.x.cols;
  op.field("x", a.x).given().floating();
  op.field("mean", a.mean).given();
  op.field("rstd", a.rstd).given();
  op.field("gamma", a.gamma).given();
  op.vector("gamma", a.gamma, d);
  op.vector("mean", a.mean, t);
  op.vector("rstd", a.rstd, t);
  op.field("dy", a.dy).given().is(t, d).type(a.x.dtype);
  op.field("residual", a.residual).is(t, d).type(a.x.dtype);
  op.field("dx", a.dx).given().is(t, d).type(a.x.dtype);
  op.vector("dgamma", a.dgamma, d);
  op.vector("dbeta", a.dbeta, d);
  op.demand(static_cast<bool>(a.dgamma) == static_cast<bool>(a.dbeta), "dbeta", "goes together with dgamma");
}

void check(const Ops& ops, const L2Normalize& a) {
  const Op op{ops, "l2_normalize"};
  op.field("x", a.x).given().type(DType::f32);
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(DType::f32);
  op.vector("inv_norm", a.inv_norm, a.x.rows);
}

void check(const Ops& ops, const L2NormalizeGrad& a) {
  const Op op{ops, "l2_normalize_grad"};
  op.field("y", a.y).given().type(DType::f32);
  op.field("inv_norm", a.inv_norm).given();
  op.vector("inv_norm", a.inv_norm, a.y.rows);
  op.field("dy", a.dy).given().is(a.y.rows, a.y.cols).type(DType::f32);
  op.field("dx", a.dx).given().is(a.y.rows, a.y.cols).type(DType::f32);
}

void check(const Ops& ops, const Attention& a) { check_attention(Op{ops, "attention"}, a); }

void check(const Ops& ops, const AttentionGrad& a) {
  const Op op{ops, "attention_grad"};
  check_attention(op, a);
  op.field("lse", a.lse).given();
  op.field("dy", a.dy).given().is(a.q.rows, a.q.cols).type(a.q.dtype);
  op.field("dq", a.dq).given().is(a.q.rows, a.q.cols).type(a.q.dtype);
  op.field("dk", a.dk).given().is(a.k.rows, a.k.cols).type(a.q.dtype);
  op.field("dv", a.dv).given().is(a.v.rows, a.v.cols).type(a.q.dtype);
}

void check(const Ops& ops, const Embed& a) {
  const Op op{ops, "embed"};
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
  const Op op{ops, "embed_grad"};
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
  const Op op{ops, "patchify"};
  op.demand(a.patch > 0 && a.height > 0 && a.width > 0 && a.height % a.patch == 0 && a.width % a.patch == 0, "patch",
            "must divide the image's height and width");
  op.field("images", a.images).given().is(a.images.rows, 3 * a.height * a.width).dense();
  op.demand(a.images.dtype == DType::u8 || a.images.dtype == DType::f32, "images", "expected u8 or f32");
  const int64_t grid = (a.height / a.patch) * (a.width / a.patch);
  const int64_t p = a.patches ? a.patches.cols : a.images.rows * grid;
  op.vector("patches", a.patches, p, DType::i32);
  op.field("y", a.y).given().is(p, 3 * a.patch * a.patch).floating();
}

void check(const Ops& ops, const VisionTokens& a) {
  const Op op{ops, "vision_tokens"};
  op.sequences(a.sequences);
  const int64_t t = a.y.rows, d = a.y.cols;
  op.field("y", a.y).given().floating();
  op.field("patches", a.patches).given().is(a.patches.rows, d).type(a.y.dtype);
  op.field("class_embedding", a.class_embedding).given();
  op.vector("class_embedding", a.class_embedding, d);
  op.field("positions", a.positions).given().is(a.positions.rows, d).type(DType::f32).dense();
  op.field("source", a.source).given();
  op.field("position_ids", a.position_ids).given();
  op.vector("source", a.source, t, DType::i32);
  op.vector("position_ids", a.position_ids, t, DType::i32);
}

void check(const Ops& ops, const VisionTokensGrad& a) {
  const Op op{ops, "vision_tokens_grad"};
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

void check(const Ops& ops, const GatherRows& a) {
  const Op op{ops, "gather_rows"};
  op.field("x", a.x).given().floating();
  op.field("rows", a.rows).given();
  op.vector("rows", a.rows, a.rows.cols, DType::i32);
  op.field("y", a.y).given().is(a.rows.cols, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const ScatterAddRows& a) {
  const Op op{ops, "scatter_add_rows"};
  op.field("x", a.x).given().floating();
  op.field("rows", a.rows).given();
  op.vector("rows", a.rows, a.x.rows, DType::i32);
  op.field("y", a.y).given().is(a.y.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const SequenceMean& a) {
  const Op op{ops, "sequence_mean"};
  op.sequences(a.sequences);
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.sequences.count, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const SequenceMeanGrad& a) {
  const Op op{ops, "sequence_mean_grad"};
  op.sequences(a.sequences);
  op.field("dx", a.dx).given().floating();
  op.field("dy", a.dy).given().is(a.sequences.count, a.dx.cols).type(a.dx.dtype);
}

void check(const Ops& ops, const InfoNce& a) {
  const Op op{ops, "info_nce"};
  check_pairs(op, a);
  op.field("diagonal", a.diagonal).given();
  op.vector("diagonal", a.diagonal, a.image.rows);
}

void check(const Ops& ops, const InfoNceLoss& a) {
  const Op op{ops, "info_nce_loss"};
  const int64_t n = a.row_lse.cols;
  op.field("row_lse", a.row_lse).given();
  op.field("col_lse", a.col_lse).given();
  op.field("diagonal", a.diagonal).given();
  op.field("loss", a.loss).given();
  op.vector("row_lse", a.row_lse, n);
  op.vector("col_lse", a.col_lse, a.col_lse.cols);
  op.vector("diagonal", a.diagonal, n);
  op.vector("loss", a.loss, 1);
  op.demand(a.row_offset >= 0 && a.row_offset + n <= a.col_lse.cols, "row_offset", "local rows must lie within the global ones");
}

void check(const Ops& ops, const InfoNceGrad& a) {
  const Op op{ops, "info_nce_grad"};
  check_pairs(op, a);
  op.field("dimage", a.dimage).given().is(a.image.rows, a.image.cols).type(DType::f32).dense();
  op.field("dtext", a.dtext).given().is(a.text.rows, a.text.cols).type(DType::f32).dense();
  op.field("dlogit_scale", a.dlogit_scale).given();
  op.vector("dlogit_scale", a.dlogit_scale, 1);
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
}

namespace {
void check_segments(const Op& op, const Segments& s, const Tensor& control) {
  op.demand(s.count >= 0 && (s.count == 0 || s.items), "segments", "is missing");
  op.field("control", control).given();
  op.vector("control", control, static_cast<int64_t>(Control::count));
}
}  // namespace

void check(const Ops& ops, const GradNorm& a) {
  const Op op{ops, "grad_norm"};
  check_segments(op, a.segments, a.control);
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
}

void check(const Ops& ops, const UpdateLossScale& a) {
  const Op op{ops, "update_loss_scale"};
  op.field("control", a.control).given();
  op.vector("control", a.control, static_cast<int64_t>(Control::count));
  op.field("loss_scale", a.loss_scale).given();
  op.vector("loss_scale", a.loss_scale, static_cast<int64_t>(LossScale::count));
  op.demand(a.growth_interval > 0, "growth_interval", "must be at least 1");
}

void check(const Ops& ops, const OptimizerStep& a) {
  const Op op{ops, "optimizer_step"};
  check_segments(op, a.segments, a.control);
  op.demand(a.rule != Rule::lamb || a.eps > 0, "eps", "must be above 0 for lamb");
  for (const Segment* s = a.segments.items; s != a.segments.items + a.segments.count; ++s) {
    op.demand(s->value && s->grad, "segments", "every one needs a value and a gradient");
    op.demand(!needs_first_moment(a.rule) || s->m, "segments", "this rule needs the first moment");
    op.demand(!has_second_moment(a.rule) || s->v, "segments", "this rule needs both moments");
  }
}

void check(const Ops& ops, const Clamp& a) { Op{ops, "clamp"}.field("x", a.x).given().type(DType::f32); }

void check(const Ops& ops, const Cast& a) {
  const Op op{ops, "cast"};
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).floating();
}

void check(const Ops& ops, const Tanh& a) {
  const Op op{ops, "tanh"};
  op.field("x", a.x).given().floating();
  op.field("y", a.y).given().is(a.x.rows, a.x.cols).type(a.x.dtype);
}

void check(const Ops& ops, const TanhGrad& a) {
  const Op op{ops, "tanh_grad"};
  op.field("y", a.y).given().floating();
  op.field("dy", a.dy).given().is(a.y.rows, a.y.cols).type(a.y.dtype);
  op.field("dx", a.dx).given().is(a.y.rows, a.y.cols).type(a.y.dtype);
}

void check(const Ops& ops, const Fill& a) { Op{ops, "fill"}.field("y", a.y).given().floating(); }
void check(const Ops& ops, const RandomInit& a) { Op{ops, "random_init"}.field("y", a.y).given().type(DType::f32).dense(); }

}  // namespace cw
