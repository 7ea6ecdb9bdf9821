// Patches of pictures left out in training (https://arxiv.org/abs/2212.00794). Which ones is a pure function of (seed, step,
// sample), so neither micro-batches nor a resumed run change it.
#pragma once
#include <cstdint>
#include <vector>

namespace cw {

struct PatchDropout {
  int64_t kept = 0;  // of each picture's patches, each as likely as any other; 0: all
  uint64_t seed = 0;
  uint32_t step = 0;

  /// Ascending, for the sample'th picture of the whole batch. `kept` must lie in 1 .. patches.
  std::vector<int32_t> patches_of(uint32_t sample, int64_t patches) const;
};

}  // namespace cw
