// Both towers' features on their way to a loss's products and back.
#pragma once
#include <functional>

#include "loss/pair_loss.h"

namespace cw {

/// Calls body(image, text) with normalised features in the type of products; where gradients are wanted it leaves those of the
/// normalised features in f.dimage and f.dtext, which become those of the features.
void with_unit_features(Ops& ops, Arena& arena, const PairFeatures& f,
                        const std::function<void(const Tensor& image, const Tensor& text)>& body);

}  // namespace cw
