// What the model asks of its image tower, whichever kind it is. N images, T rows of all of them, E embed_dim. To add one:
// write its file, and its row in vision_tower.cpp.
#pragma once
#include <memory>

#include "model/config.h"
#include "nn/attention.h"

namespace cw {

struct VisionInput {
  Tensor images;                // u8 [N, H·W·3] or f32 [N, 3·H·W]
  Tensor patches;               // i32 [1,P] as Patchify wants them: the ones that are there; absent: all
  Tensor source, position_ids;  // i32 [1,T] as VisionTokens wants them
  Sequences sequences;
  Tensor rotations;             // f32 [rows of an image, channels of a head] as Rotary's table; of rotary towers
  RowSubset pooled;  // the class tokens; where there are none or a query pools, a row 0 for each image
};

class VisionTower {
 public:
  virtual ~VisionTower() = default;

  /// What backward needs of forward; each kind has its own.
  struct Saved {
    virtual ~Saved() = default;
  };
  virtual std::unique_ptr<Saved> make_saved() const = 0;

  /// features f32 [N,E], not normalised.
  virtual void forward(const Context& c, const VisionInput& in, Tensor features, Saved& s) const = 0;
  virtual void backward(const Context& c, const VisionInput& in, Saved& s, Tensor dfeatures) const = 0;
};

/// What the kind that the configuration names demands of it. Throws invalid_argument, also when there is none of that name.
void validate_vision_tower(const VisionConfig& config, int64_t embed_dim);

/// The kind that the configuration names. Throws invalid_argument when there is none of that name.
std::unique_ptr<VisionTower> make_vision_tower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);

}  // namespace cw
