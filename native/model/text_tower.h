// What the model asks of its text tower, whichever kind it is. T packed tokens, S captions, E embed_dim. To add one: write
// its file, and its row in text_tower.cpp.
#pragma once
#include <memory>

#include "model/config.h"
#include "nn/attention.h"

namespace cw {

struct TextInput {
  Tensor ids, position_ids;  // i32 [1,T]
  Sequences sequences;
  RowSubset pooled;  // one row for each caption
  Draws draws;       // what dropouts draw from, in training
};

class TextTower {
 public:
  virtual ~TextTower() = default;

  /// What backward needs of forward; each kind has its own.
  struct Saved {
    virtual ~Saved() = default;
  };
  virtual std::unique_ptr<Saved> make_saved() const = 0;

  /// features f32 [S,E], not normalised.
  virtual void forward(const Context& c, const TextInput& in, Tensor features, Saved& s) const = 0;
  virtual void backward(const Context& c, const TextInput& in, Saved& s, Tensor dfeatures) const = 0;
};

/// What the kind that the configuration names demands of it. Throws invalid_argument, also when there is none of that name.
void validate_text_tower(const TextConfig& config, int64_t embed_dim);

/// The kind that the configuration names. Throws invalid_argument when there is none of that name.
std::unique_ptr<TextTower> make_text_tower(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

}  // namespace cw
