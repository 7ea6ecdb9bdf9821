// Puts samples first .. first+n of a batch on the device, in the form the towers take.
#pragma once
#include <vector>

#include "core/arena.h"
#include "engine/batch.h"
#include "model/clip.h"
#include "ops/backend.h"

namespace cw {

/// A token count rounded up so that few distinct shapes occur: at most 1/32 more, 32 steps an octave.
int64_t token_bucket(int64_t tokens);

/// i32 [1,n] on the device, as index of rows. backend null: only takes the memory (a dry run).
Tensor put_indices(Arena& arena, Backend* backend, const std::vector<int32_t>& values);

/// backend null as there. Pictures lose patches where the batch says so.
VisionInput vision_input(Arena& arena, Backend* backend, const VisionConfig& config, const HostImages& images,
                         int64_t first, int64_t n);
TextInput text_input(Arena& arena, Backend* backend, const TextConfig& config, const HostTokens& tokens, int64_t first,
                     int64_t n);

/// Throws invalid_argument when more patches are kept than there are.
void validate(const HostImages& images, const VisionConfig& config);
/// Throws invalid_argument when ids, offsets or pool rows cannot be.
void validate(const HostTokens& tokens, const TextConfig& config);

}  // namespace cw
