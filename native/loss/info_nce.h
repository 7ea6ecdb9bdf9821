// The contrastive loss on features of both towers: normalise, InfoNCE, and back.
// Source: open_clip loss.py ClipLoss (mean of both cross-entropies); the reference system takes their sum.
#pragma once
#include "loss/pair_loss.h"

namespace cw {

/// Options: reduction, "mean" of both cross-entropies or their "sum".
std::unique_ptr<PairLoss> make_info_nce(const PairLossSpec& spec);

}  // namespace cw
