#include "dist/collectives.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "core/error.h"

namespace cw {
namespace {

using Blocks = std::span<const float* const>;

/// y = x[0] + x[1] + …; y may be one of them.
void add_up(Blocks x, int64_t count, float* y) {
  constexpr int64_t kWidth = 512;
  float sum[kWidth];
  for (int64_t from = 0; from < count; from += kWidth) {
    const int64_t width = std::min(kWidth, count - from);
    std::copy_n(x[0] + from, width, sum);
    for (const float* const block : x.subspan(1))
      for (int64_t i = 0; i < width; ++i) sum[i] += block[from + i];
    std::copy_n(sum, width, y + from);
  }
}

/// y = log(exp x[0] + exp x[1] + …), -infinity where all are; y may be one of them.
void merge_up(Blocks x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) {
    float largest = -std::numeric_limits<float>::infinity();
    for (const float* const block : x) largest = std::max(largest, block[i]);
    double sum = 0;
    if (std::isfinite(largest))
      for (const float* const block : x) sum += std::exp(static_cast<double>(block[i]) - largest);
    y[i] = std::isfinite(largest) ? static_cast<float>(largest + std::log(sum)) : largest;
  }
}

}  // namespace

/// Counts a call, and what is sent while it lives.
class Collectives::Counting {
 public:
  Counting(Collectives& all, Collective kind)
      : group_(*all.group_), traffic_(all.traffic_[static_cast<size_t>(kind)]), before_(group_.sent()) {}
  Counting(const Counting&) = delete;
  ~Counting() {
    ++traffic_.calls;
    traffic_.words += group_.sent() - before_;
  }

 private:
  const Group& group_;
  Traffic& traffic_;
  const int64_t before_;
};

void Collectives::all_gather(const void* x, void* y, int64_t rows, size_t row_bytes) {
  const Counting counting(*this, Collective::all_gather);
  if (row_bytes % 4 != 0)
    throw Error(Code::unsupported, "[ranks] rows of " + std::to_string(row_bytes) +
                                       " bytes cannot be gathered: expected whole words of four bytes");
  const Ranks ranks = group_->ranks();
  std::vector<int64_t> words;
  for (int64_t r = 0; r < ranks.size; ++r) words.push_back(ranks.share_of(rows, r).count * static_cast<int64_t>(row_bytes / 4));
  group_->all_gather(x, words, y);
}

void Collectives::reduce_scatter(const float* x, float* y, int64_t rows, int64_t cols) {
  const Counting counting(*this, Collective::reduce_scatter);
  const Ranks ranks = group_->ranks();
  const int64_t most = ranks.share_of(rows, 0).count, own = ranks.share(rows).count;
  // As many rows of each share at a time as make a piece together.
  const int64_t height = std::max<int64_t>(1, group_->piece() / std::max<int64_t>(1, ranks.size * cols));
  std::vector<Group::Block> blocks(static_cast<size_t>(ranks.size));
  for (int64_t from = 0; from < most; from += height) {
    for (int64_t r = 0; r < ranks.size; ++r) {
      const RankShare share = ranks.share_of(rows, r);
      const int64_t count = std::clamp<int64_t>(share.count - from, 0, height);
      blocks[static_cast<size_t>(r)] = {x + (share.first + std::min(from, share.count)) * cols, count * cols};
    }
    const int64_t count = std::clamp<int64_t>(own - from, 0, height) * cols;
    group_->show(blocks, count, [&](Blocks theirs) { add_up(theirs, count, y + from * cols); });
  }
}

/// `combine(blocks of all ranks, their length, y)` must treat each element by itself.
template <class Combine>
void Collectives::combine_all(float* x, int64_t count, Combine&& combine) {
  const Ranks ranks = group_->ranks();
  const auto size = static_cast<size_t>(ranks.size);
  if (count * ranks.size <= kDirect) {
    theirs_.resize(std::max(theirs_.size(), static_cast<size_t>(ranks.size * count)));
    group_->all_gather(x, std::vector<int64_t>(size, count), theirs_.data());
    std::vector<const float*> each(size);
    for (size_t r = 0; r < size; ++r) each[r] = theirs_.data() + static_cast<int64_t>(r) * count;
    return combine(each, count, x);
  }
  std::vector<Group::Block> blocks(size);
  std::vector<int64_t> words(size);
  for (int64_t from = 0; from < count; from += group_->piece()) {
    const int64_t piece = std::min(group_->piece(), count - from);
    for (int64_t r = 0; r < ranks.size; ++r) {
      const RankShare share = ranks.share_of(piece, r);
      blocks[static_cast<size_t>(r)] = {x + from + share.first, share.count};
      words[static_cast<size_t>(r)] = share.count;
    }
    const RankShare own = ranks.share(piece);
    float* const combined = x + from + own.first;
    group_->show(blocks, own.count, [&](Blocks theirs) { combine(theirs, own.count, combined); });
    group_->all_gather(combined, words, x + from);
  }
}

void Collectives::all_reduce(float* x, int64_t count) {
  const Counting counting(*this, Collective::all_reduce);
  combine_all(x, count, add_up);
}

void Collectives::merge_lse(float* x, int64_t count) {
  const Counting counting(*this, Collective::merge_lse);
  combine_all(x, count, merge_up);
}

void Collectives::broadcast(float* x, int64_t count) {
  const Counting counting(*this, Collective::broadcast);
  const int64_t piece = group_->piece();
  for (int64_t from = 0; from < count; from += piece) group_->broadcast(x + from, std::min(piece, count - from));
}

}  // namespace cw
