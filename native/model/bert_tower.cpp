#include "model/bert_tower.h"

#include <cmath>
#include <string>

#include "core/dropout.h"

namespace cw {
namespace {

// Names are those of open_clip's CustomTextCLIP, whatever the tower's layout elsewhere.
std::string parameter(const char* name) { return std::string("text.transformer.") + name; }

BlockConfig block_config(const TextConfig& t) {
  return {.width = t.width, .heads = t.heads, .mlp_width = t.mlp_width, .act = t.act, .causal = false,
          .layer_norm_eps = t.layer_norm_eps, .hidden_dropout = t.bert->hidden_dropout,
          .attention_dropout = t.bert->attention_dropout};
}

/// transformers BertPreTrainedModel._init_weights: one deviation for all weights, biases zero.
BlockInit block_init(const TextConfig& t) {
  const Init weight = Init::normal(t.bert->init_std), bias = Init::constant(0);
  return {.in_proj = weight, .out_proj = weight, .c_fc = weight, .c_proj = weight, .c_fc_bias = bias, .c_proj_bias = bias};
}

Parameter* embedding(Parameters& p, const TextConfig& t, const char* name, int64_t rows) {
  return &p.add(parameter("embeddings.") + name + ".weight", {rows, t.width}, Init::normal(t.bert->init_std));
}

}  // namespace

void BertTower::validate(const TextConfig& t, int64_t embed_dim) {
  demand_of_config(t.bert.has_value(), "text.bert is missing");
  const BertConfig& b = *t.bert;
  demand_of_config(b.first_position >= 0 && b.positions <= 1 << 16 && t.context_length <= b.positions - b.first_position,
                   "text.context_length " + std::to_string(t.context_length) + " must fit the " + std::to_string(b.positions) +
                       " positions, of which " + std::to_string(b.first_position) + " are left out");
  demand_of_config(b.token_types > 0 && b.token_types <= 1 << 16, "text.token_types must be 1 .. 65536");
  demand_of_config(std::isfinite(b.init_std) && b.init_std >= 0, "text.init_std must be at least 0");
  for (const float rate : {b.hidden_dropout, b.attention_dropout})
    demand_of_config(rate >= 0 && dropout_bound(rate) < 65536,
                     "text.hidden_dropout and attention_dropout must be at least 0 and below 1");
  demand_of_config(b.attention_dropout == 0 || t.heads <= kDropoutHeads,
                   "text.heads must be at most 2048 with an attention_dropout");
  demand_of_config(b.projection.kind != Projection::none || t.width == embed_dim,
                   "text.width " + std::to_string(t.width) + " must be embed_dim " + std::to_string(embed_dim) +
                       " without a projection");
  demand_of_config(b.projection.kind != Projection::mlp || !b.projection.input_major,
                   "text.projection of two layers must lie [out,in]");
}

BertTower::BertTower(Parameters& p, const TextConfig& t, int64_t embed_dim)
    : config_(t),
      words_(embedding(p, t, "word_embeddings", t.vocab_size)),
      positions_(embedding(p, t, "position_embeddings", t.bert->positions)),
      token_types_(embedding(p, t, "token_type_embeddings", t.bert->token_types)),
      embedding_dropout_{.site = 0, .rate = t.bert->hidden_dropout},
      embedding_norm_(NormLayer::add(p, parameter("embeddings.LayerNorm"), t.width, t.layer_norm_eps)),
      blocks_(p, parameter("encoder.layer"), block_config(t), t.layers, block_init(t)),
      head_(p, t, embed_dim) {}

void BertTower::forward(const Context& given, const TextInput& in, Tensor features, TextTower::Saved& saved) const {
  const Context c = drawing(given, in);
  auto& s = static_cast<Saved&>(saved);
  const int64_t t = in.ids.cols, d = config_.width;
  const Tensor embedded = c.take(t, d), x = c.take(t, d);
  c.ops.embed({.ids = in.ids,
               .position_ids = in.position_ids,
               .table = words_->weight.master,
               .positions = positions_->weight.master,
               .token_type = token_types_->weight.master.row_range(0, 1),
               .y = embedded,
               .sequences = in.sequences});
  embedding_norm_.forward(c, embedded, x, s.embedding_norm);
  embedding_dropout_.forward(c, x, {}, {});
  const Tensor last = c.take(rows_of(in), d);
  blocks_.forward(c, in.sequences, last_rows(in), x, last, s.blocks, embeddings_learn());
  head_.forward(c, in.sequences, last, features, s.head);
}

void BertTower::backward(const Context& given, const TextInput& in, TextTower::Saved& saved, Tensor dfeatures) const {
  const Context c = drawing(given, in);
  auto& s = static_cast<Saved&>(saved);
  const int64_t d = config_.width;
  const Frame frame(c.arena);
  const Tensor dlast = c.take(rows_of(in), d), dx = c.take(in.ids.cols, d);
  head_.backward(c, in.sequences, s.head, dfeatures, dlast);
  blocks_.backward(c, in.sequences, last_rows(in), s.blocks, dlast, dx);
  if (!embeddings_learn()) return;
  embedding_norm_.backward(c, s.embedding_norm, embedding_dropout_.backward(c, dx, {}, {}), dx);
  embedding_grad(c, in, dx);
}

void BertTower::embedding_grad(const Context& c, const TextInput& in, Tensor dx) const {
  if (words_->trainable || positions_->trainable)
    c.ops.embed_grad({.dy = dx,
                      .ids = in.ids,
                      .position_ids = in.position_ids,
                      .dtable = words_->wanted_grad(),
                      .dpositions = positions_->wanted_grad(),
                      .sequences = in.sequences,
                      .accumulate = c.accumulate});
  if (!token_types_->trainable) return;
  // All tokens are of type 0; filler rows have no gradient.
  const Tensor dtypes = token_types_->grad;
  c.ops.linear_weight_grad({.dy = dx, .x = dx, .db = dtypes.row_range(0, 1), .accumulate = c.accumulate});
  if (!c.accumulate && dtypes.rows > 1) c.ops.fill({.y = dtypes.row_range(1, dtypes.rows - 1), .value = 0});
}

}  // namespace cw
