#include "dist/group.h"

#include <algorithm>

namespace cw {

void Group::run_show(std::span<const Block> mine, int64_t words, const Use& use) {
  received_.resize(std::max(received_.size(), mine.size() * static_cast<size_t>(words)));
  run_exchange(mine, received_.data(), words);
  if (words == 0) return;
  std::vector<const float*> theirs;
  for (size_t r = 0; r < mine.size(); ++r) theirs.push_back(received_.data() + static_cast<int64_t>(r) * words);
  use(theirs);
}

}  // namespace cw
