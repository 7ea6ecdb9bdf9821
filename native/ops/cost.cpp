#include "ops/cost.h"

#include <algorithm>

namespace cw {
namespace {

/// Tensors that are absent have no elements.
template <class... Tensors>
double bytes_of(const Tensors&... all) {
  return (0.0 + ... + static_cast<double>(all.bytes()));
}

double bytes_of_weight(const WeightView& w) {
  return static_cast<double>(w.in_features() * w.out_features()) * static_cast<double>(size_of(w.weight->compute.dtype));
}

double product(int64_t m, int64_t n, int64_t k) { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }

/// Products of one pass of attention, queries with keys and weights with values.
double attention_flops(const Tensor& q, const Sequences& sequences) {
  const int64_t rows = std::min(q.rows, sequences.count * sequences.max_length);
  return 2 * product(rows, sequences.max_length, q.cols);
}

double bytes_of(const Segments& all, bool updates) {
  double bytes = 0;
  for (int64_t i = 0; i < all.count; ++i) {
    const Segment& s = all.items[i];
    const double each = updates ? 4 + 8 + (s.m ? 8 : 0) + (s.v ? 8 : 0) + (s.compute ? static_cast<double>(size_of(all.compute_type)) : 0) : 4;
    bytes += each * static_cast<double>(s.count);
  }
  return bytes;
}

int times(bool accumulate) { return accumulate ? 2 : 1; }

}  // namespace

Cost cost_of(const Linear& op) {
  return {.flops = product(op.x.rows, op.w.out_features(), op.w.in_features()),
          .bytes = bytes_of(op.x, op.b, op.residual, op.y, op.pre) + bytes_of_weight(op.w)};
}

Cost cost_of(const LinearInputGrad& op) {
  return {.flops = product(op.dy.rows, op.w.out_features(), op.w.in_features()),
          .bytes = bytes_of(op.dy, op.dx, op.act == Act::none ? Tensor{} : op.pre, op.residual, op.hidden) +
                   times(op.accumulate) * bytes_of(op.dx_sum) + bytes_of_weight(op.w)};
}

Cost cost_of(const LinearWeightGrad& op) {
  return {.flops = op.dw ? product(op.dy.rows, op.dy.cols, op.x.cols) : 0,
          .bytes = bytes_of(op.dy, op.dw ? op.x : Tensor{}) + times(op.accumulate) * bytes_of(op.dw, op.db)};
}

Cost cost_of(const LayerNorm& op) { return {.bytes = bytes_of(op.x, op.gamma, op.beta, op.residual, op.y, op.mean, op.rstd)}; }

Cost cost_of(const LayerNormGrad& op) {
  return {.bytes = bytes_of(op.x, op.gamma, op.mean, op.rstd, op.dy, op.residual, op.dx) +
                   times(op.accumulate) * bytes_of(op.dgamma, op.dbeta, op.dx_sum)};
}

Cost cost_of(const L2Normalize& op) { return {.bytes = bytes_of(op.x, op.y, op.inv_norm)}; }
Cost cost_of(const L2NormalizeGrad& op) { return {.bytes = bytes_of(op.y, op.inv_norm, op.dy, op.dx)}; }

Cost cost_of(const LayerScale& op) { return {.bytes = bytes_of(op.x, op.residual, op.gamma, op.y)}; }
Cost cost_of(const LayerScaleGrad& op) {
  return {.bytes = bytes_of(op.x, op.dy, op.gamma, op.dx) + times(op.accumulate) * bytes_of(op.dgamma, op.dx_sum)};
}

Cost cost_of(const Attention& op) {
  return {.flops = attention_flops(op.q, op.sequences), .bytes = bytes_of(op.q, op.k, op.v, op.y, op.lse)};
}
Cost cost_of(const AttentionGrad& op) {
  return {.flops = 2 * attention_flops(op.q, op.sequences),
          .bytes = bytes_of(op.q, op.k, op.v, op.y, op.lse, op.dy, op.dq, op.dk, op.dv)};
}

// Each row reads one of the table.
Cost cost_of(const Rotary& op) {
  const double angles = op.heads > 0 ? static_cast<double>(op.x.count()) / static_cast<double>(op.heads) * sizeof(float) : 0;
  return {.bytes = bytes_of(op.x, op.rows, op.y) + angles + 4 * static_cast<double>(op.x.rows)};
}

Cost cost_of(const Swiglu& op) { return {.bytes = bytes_of(op.gate, op.x, op.y)}; }
Cost cost_of(const SwigluGrad& op) { return {.bytes = bytes_of(op.gate, op.x, op.dy, op.dgate, op.dx)}; }

// Of tables only the rows that are looked up.
Cost cost_of(const Dropout& op) { return {.bytes = bytes_of(op.x, op.residual, op.y, op.rows)}; }

Cost cost_of(const Embed& op) {
  return {.bytes = bytes_of(op.ids, op.position_ids, op.y) + 8 * static_cast<double>(op.y.count())};
}
Cost cost_of(const EmbedGrad& op) {
  return {.bytes = bytes_of(op.dy, op.ids, op.position_ids) + times(op.accumulate) * bytes_of(op.dtable, op.dpositions)};
}
Cost cost_of(const Patchify& op) { return {.bytes = bytes_of(op.images, op.patches, op.y)}; }
Cost cost_of(const VisionTokens& op) {
  return {.bytes = bytes_of(op.patches, op.class_embedding, op.positions, op.source, op.position_ids, op.y)};
}
Cost cost_of(const VisionTokensGrad& op) {
  return {.bytes = bytes_of(op.dy, op.source, op.position_ids, op.dpatches) + times(op.accumulate) * bytes_of(op.dclass, op.dpositions)};
}

Cost cost_of(const GatherRows& op) { return {.bytes = bytes_of(op.rows, op.y, op.y)}; }
Cost cost_of(const ScatterAddRows& op) { return {.bytes = bytes_of(op.rows, op.x, op.x, op.x)}; }
Cost cost_of(const SequenceMean& op) { return {.bytes = bytes_of(op.x, op.y)}; }
Cost cost_of(const SequenceMeanGrad& op) { return {.bytes = bytes_of(op.dy, op.dx)}; }

Cost cost_of(const InfoNce& op) {
  return {.flops = product(op.image.rows, op.text.rows, op.image.cols),
          .bytes = bytes_of(op.image, op.text, op.groups, op.row_lse, op.col_lse, op.diagonal)};
}
Cost cost_of(const InfoNceLoss& op) { return {.bytes = bytes_of(op.row_lse, op.col_lse, op.diagonal)}; }
Cost cost_of(const InfoNceGrad& op) {
  return {.flops = 2 * product(op.image.rows, op.text.rows, op.image.cols),
          .bytes = bytes_of(op.image, op.text, op.groups, op.row_lse, op.col_lse, op.dimage, op.dtext)};
}

Cost cost_of(const DistillGrad& op) {
  // The student's logits and both gradients, and the teacher's logits.
  return {.flops = 3 * product(op.image.rows, op.text.rows, op.image.cols) +
                   product(op.image.rows, op.text.rows, op.teacher_image.cols),
          .bytes = bytes_of(op.image, op.text, op.teacher_image, op.teacher_text, op.dimage, op.dtext, op.half_cross)};
}

Cost cost_of(const SigmoidLoss& op) {
  return {.flops = product(op.image.rows, op.text.rows, op.image.cols), .bytes = bytes_of(op.image, op.text, op.groups)};
}
Cost cost_of(const SigmoidLossGrad& op) {
  return {.flops = 2 * product(op.image.rows, op.text.rows, op.image.cols),
          .bytes = bytes_of(op.image, op.text, op.groups, op.dimage, op.dtext)};
}

// Of what this rank has of them; what goes from one to another is the network's.
Cost cost_of(const AllGather& op) { return {.bytes = bytes_of(op.x, op.y)}; }
Cost cost_of(const ReduceScatter& op) { return {.bytes = bytes_of(op.x, op.y)}; }
Cost cost_of(const AllReduce& op) { return {.bytes = bytes_of(op.x, op.x)}; }
Cost cost_of(const MergeLse& op) { return {.bytes = bytes_of(op.x, op.x)}; }
Cost cost_of(const Broadcast& op) { return {.bytes = bytes_of(op.x)}; }

Cost cost_of(const GradNorm& op) { return {.bytes = bytes_of(op.segments, false)}; }
Cost cost_of(const UpdateLossScale& op) { return {.bytes = bytes_of(op.control, op.loss_scale)}; }
Cost cost_of(const OptimizerStep& op) { return {.bytes = bytes_of(op.segments, true)}; }

Cost cost_of(const Cast& op) { return {.bytes = bytes_of(op.x, op.y)}; }
Cost cost_of(const Fill& op) { return {.bytes = bytes_of(op.y)}; }
Cost cost_of(const Clamp& op) { return {.bytes = bytes_of(op.x, op.x)}; }
Cost cost_of(const Tanh& op) { return {.bytes = bytes_of(op.x, op.y)}; }
Cost cost_of(const TanhGrad& op) { return {.bytes = bytes_of(op.y, op.dy, op.dx)}; }
Cost cost_of(const RandomInit& op) { return {.bytes = bytes_of(op.y)}; }

}  // namespace cw
