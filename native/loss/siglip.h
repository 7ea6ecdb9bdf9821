// The sigmoid loss on features of both towers: normalise, ask of every pair whether it is one, and back.
// Source: open_clip loss.py SigLipLoss; Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (2023).
#pragma once
#include "loss/pair_loss.h"

namespace cw {

/// No options. A mean over pictures; a model without logit_bias has none added.
std::unique_ptr<PairLoss> make_siglip(const PairLossSpec& spec);

}  // namespace cw
