#include <cstring>

#include "dist/group.h"

namespace cw {
namespace {

class Solo final : public Group {
 public:
  Solo() : Group(Ranks{}) {}
  void run_all_gather(const void* mine, std::span<const int64_t> words, void* all) override {
    std::memmove(all, mine, static_cast<size_t>(words[0]) * 4);
  }
  void run_exchange(std::span<const Block> mine, void* theirs, int64_t words) override {
    std::memmove(theirs, mine[0].data, static_cast<size_t>(words) * 4);
  }
  void run_show(std::span<const Block> mine, int64_t words, const Use& use) override {
    const auto* const own = static_cast<const float*>(mine[0].data);
    if (words > 0) use({&own, 1});
  }
  void run_broadcast(void*, int64_t) override {}
};

}  // namespace

std::shared_ptr<Group> solo_group() {
  static const std::shared_ptr<Group> one = std::make_shared<Solo>();
  return one;
}

}  // namespace cw
