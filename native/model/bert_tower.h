// A BERT-like text tower: word, position and token-type embeddings, their norm, post-norm blocks, a head.
// Source: transformers modeling_bert.py BertModel. T packed tokens (padding, which is masked there, left out), D width.
#pragma once
#include "model/bert_head.h"
#include "model/text_tower.h"
#include "nn/transformer.h"

namespace cw {

class BertTower final : public TextTower {
 public:
  BertTower(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

  /// Throws invalid_argument naming the field that cannot be.
  static void validate(const TextConfig& config, int64_t embed_dim);

  std::unique_ptr<TextTower::Saved> make_saved() const override { return std::make_unique<Saved>(); }
  void forward(const Context& c, const TextInput& in, Tensor features, TextTower::Saved& saved) const override;
  void backward(const Context& c, const TextInput& in, TextTower::Saved& saved, Tensor dfeatures) const override;

 private:
  struct Saved final : TextTower::Saved {
    NormLayer::Saved embedding_norm;
    BertEncoder::Saved blocks;
    BertHead::Saved head;
  };
  /// The encoder's last layer computes the pooled rows only, where the head takes no others.
  RowSubset last_rows(const TextInput& in) const { return head_.takes_one_row() ? in.pooled : RowSubset{}; }
  int64_t rows_of(const TextInput& in) const { return head_.takes_one_row() ? in.sequences.count : in.ids.cols; }
  bool embeddings_learn() const {
    return words_->trainable || positions_->trainable || token_types_->trainable || embedding_norm_.learns();
  }
  /// With what the batch's dropouts draw from.
  static Context drawing(const Context& c, const TextInput& in) {
    Context own = c;
    own.draws = in.draws;
    return own;
  }
  void embedding_grad(const Context& c, const TextInput& in, Tensor dx) const;

  TextConfig config_;
  Parameter *words_, *positions_, *token_types_;
  DropoutLayer embedding_dropout_;
  NormLayer embedding_norm_;
  BertEncoder blocks_;
  BertHead head_;
};

}  // namespace cw
