// Both towers' features on their way to a loss's products and back.
#pragma once
#include <functional>

#include "loss/pair_loss.h"

namespace cw {

/// Normalised features in the type of products: this rank's pictures against the captions of all ranks.
struct UnitFeatures {
  Tensor image, text;  // [n,E], [all,E]; in f32 image is PairFeatures::dimage where gradients are wanted
  Tensor dtext;        // f32 [all,E], where gradients are wanted: this rank's part of the captions' gradients
  int64_t all = 0;     // pairs of all ranks together
  int64_t first = 0;   // the number of this rank's first pair among them
  bool shared = false; // whether there are other ranks; what is a sum over pictures is then one over ranks, too
};

/// Calls body with the unit features; where gradients are wanted it leaves those of the normalised features in f.dimage and
/// UnitFeatures::dtext, which become those of the features. Those of pictures may take the place of what they are made of, so that
/// a large batch needs one copy of features beside its own, not two: what else body asks of them comes before.
void with_unit_features(Ops& ops, Arena& arena, const PairFeatures& f, const std::function<void(const UnitFeatures&)>& body);

}  // namespace cw
