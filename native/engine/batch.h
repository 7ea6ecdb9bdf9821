// A batch as it arrives from outside: host memory, any number of samples, captions packed.
#pragma once
#include <cstdint>
#include <optional>
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
  /// In place of data: what the image tower, which learns nothing, makes of them, [count,E] and not normalised.
  const float* features = nullptr;
};

/// What a step's dropouts draw from, beside an element's place.
struct DropoutDraws {
  uint64_t seed = 0;
  uint32_t step = 0;
};

/// Caption s is ids[offsets[s] .. offsets[s+1]]; its feature is read at packed row pool[s]. offsets[0] is 0.
struct HostTokens {
  const int32_t* ids = nullptr;
  const int32_t* offsets = nullptr;
  const int32_t* pool = nullptr;
  int64_t count = 0;
  std::optional<DropoutDraws> dropout{};  // in training: by the tower's own rates; absent: nothing is left out
  int64_t first = 0;                      // its first caption's number in the batch of all ranks
  const float* features = nullptr;        // in place of all these but count: as HostImages', of the text tower

  int64_t tokens() const { return count ? offsets[count] : 0; }
};

/// A teacher's features of the same pairs, [n,dim] and normalised.
struct HostTeacher {
  const float* image = nullptr;
  const float* text = nullptr;
  int64_t dim = 0;  // 0: there is none
  float logit_scale = 0;  // the logarithm
};

struct Batch {
  HostImages images;
  HostTokens tokens;
  HostTeacher teacher{};
  const PairLoss* loss = nullptr;
  const int32_t* groups = nullptr;  // of each pair, of all ranks: equal ones are no wrong pairs; null: all others are
  int64_t total = 0;        // pairs of all ranks together, of which these are this rank's share; 0: these are all
  int64_t micro_batch = 0;  // 0: all at once
  bool checkpointing = false;
  bool may_halve = false;  // micro_batch, as often as a step finds no memory
  bool statistics = false;  // of each pair: PairStatistics

  bool sliced() const { return micro_batch > 0 && micro_batch < images.count; }
};

}  // namespace cw
