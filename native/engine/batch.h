// A batch as it arrives from outside: host memory, any number of samples, captions packed.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "engine/patch_dropout.h"
#include "loss/pair_loss.h"

namespace cw {

/// count images, one after another: u8 H·W·3 interleaved RGB, or f32 3·H·W normalised.
struct HostImages {
  const void* data = nullptr;
  DType dtype = DType::u8;
  int64_t count = 0;
  PatchDropout dropout;  // in training
  int64_t first = 0;     // its first picture's number in the batch of all ranks
};

/// Caption s is ids[offsets[s] .. offsets[s+1]]; its feature is read at packed row pool[s]. offsets[0] is 0.
struct HostTokens {
  const int32_t* ids = nullptr;
  const int32_t* offsets = nullptr;
  const int32_t* pool = nullptr;
  int64_t count = 0;

  int64_t tokens() const { return count ? offsets[count] : 0; }
};

struct Batch {
  HostImages images;
  HostTokens tokens;
  const PairLoss* loss = nullptr;
  const int32_t* groups = nullptr;  // of each pair, of all ranks: equal ones are no wrong pairs; null: all others are
  int64_t total = 0;        // pairs of all ranks together, of which these are this rank's share; 0: these are all
  int64_t micro_batch = 0;  // 0: all at once
  bool checkpointing = false;
};

}  // namespace cw
