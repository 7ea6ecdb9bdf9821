// What the model asks of its text tower, whichever kind it is. T packed tokens, S captions, E embed_dim.
#pragma once
#include <memory>

#include "model/config.h"
#include "nn/attention.h"

namespace cw {

struct TextInput {
  Tensor ids, position_ids;  // i32 [1,T]
  Sequences sequences;
  RowSubset pooled;  // one row for each caption
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

/// The kind that the configuration describes.
std::unique_ptr<TextTower> make_text_tower(Parameters& parameters, const TextConfig& config, int64_t embed_dim);

}  // namespace cw
