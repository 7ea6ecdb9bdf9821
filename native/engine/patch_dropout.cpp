#include "engine/patch_dropout.h"

#include <algorithm>

#include "core/philox.h"

namespace cw {
namespace {

/// Stream.patches of lib/base/random.ts, whose draws are laid out in the same way.
constexpr uint64_t kStream = 5;

}  // namespace

std::vector<int32_t> PatchDropout::patches_of(uint32_t sample, int64_t patches) const {
  // The smallest draws, equal ones by their place: the patch stands in the lower half of what is compared.
  std::vector<uint64_t> draws(static_cast<size_t>(patches));
  for (int64_t first = 0; first < patches; first += 4) {
    const Philox4 draw = philox(seed, uint64_t{step} << 32 | kStream, static_cast<uint64_t>(first / 4) << 32 | sample);
    for (int64_t i = first; i < std::min(first + 4, patches); ++i)
      draws[static_cast<size_t>(i)] = uint64_t{draw.v[i - first]} << 32 | static_cast<uint64_t>(i);
  }
  std::nth_element(draws.begin(), draws.begin() + kept - 1, draws.end());
  std::vector<int32_t> chosen(static_cast<size_t>(kept));
  std::transform(draws.begin(), draws.begin() + kept, chosen.begin(), [](uint64_t d) { return static_cast<int32_t>(d); });
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace cw
