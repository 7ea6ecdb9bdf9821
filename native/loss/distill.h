// A student taught by a teacher, beside its own contrastive loss: by the teacher's similarities (open_clip's DistillClipLoss), or
// by its features.
#pragma once
#include "loss/pair_loss.h"

namespace cw {

/// Options: reduction, of InfoNCE; by, "logits" or "features"; weight, a number, of what the teacher adds. With features that
/// come without a teacher's (in evaluation) it is InfoNCE.
std::unique_ptr<PairLoss> make_distill(const PairLossSpec& spec);

}  // namespace cw
