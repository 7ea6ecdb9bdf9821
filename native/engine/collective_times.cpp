#include "engine/collective_times.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "ops/backend.h"

namespace cw {
namespace {

constexpr int kRounds = 5;
constexpr int64_t kMostCalls = 10000;

/// The largest of what the ranks have.
double most(Group& group, double own) {
  std::vector<double> all(static_cast<size_t>(group.ranks().size));
  const std::vector<int64_t> words(all.size(), 2);
  group.all_gather(&own, words, all.data());
  return *std::max_element(all.begin(), all.end());
}

class Measured {
 public:
  Measured(const std::shared_ptr<Group>& group, Backend& backend, int64_t words)
      : group_(*group), backend_(backend), whole_(backend.allocate(static_cast<size_t>(words) * 4)),
        part_(backend.allocate(static_cast<size_t>(words / group->ranks().size + 1) * 4)) {
    // So that all of its pages are there.
    for (const Buffer* b : {whole_.get(), part_.get()})
      backend.fill({.y = Tensor::of(b->data(), DType::f32, 1, static_cast<int64_t>(b->bytes() / 4))});
  }

  CollectiveTime operator()(Collective op, int64_t words, double seconds) const {
    call(op, words);
    backend_.synchronize();
    CollectiveTime time{.op = op, .bytes = words * 4, .sent = sent(op, words) * 4};
    const double once = most(group_, seconds_of(op, words, 1));
    time.calls = std::clamp(static_cast<int64_t>(seconds / kRounds / std::max(once, 1e-9)), int64_t{1}, kMostCalls);
    std::array<double, kRounds> rounds{};
    for (double& round : rounds) round = most(group_, seconds_of(op, words, time.calls)) / static_cast<double>(time.calls);
    std::sort(rounds.begin(), rounds.end());
    time.best = rounds.front();
    time.median = rounds[kRounds / 2];
    return time;
  }

 private:
  void call(Collective op, int64_t words) const {
    const int64_t own = backend_.ranks().share(words).count;
    const Tensor part = Tensor::of(part_->data(), DType::f32, own, 1), all = Tensor::of(whole_->data(), DType::f32, words, 1);
    switch (op) {
      case Collective::all_gather: return backend_.all_gather({.x = part, .y = all});
      case Collective::reduce_scatter: return backend_.reduce_scatter({.x = all, .y = part});
      default: return backend_.all_reduce({.x = Tensor::of(whole_->data(), DType::f32, 1, words)});
    }
  }

  /// However it is done, so much of what this rank has must reach others.
  int64_t sent(Collective op, int64_t words) const {
    const Ranks ranks = group_.ranks();
    const int64_t own = ranks.share(words).count, scattered = words - own, gathered = own * (ranks.size - 1);
    return op == Collective::all_gather ? gathered : op == Collective::reduce_scatter ? scattered : scattered + gathered;
  }

  double seconds_of(Collective op, int64_t words, int64_t calls) const {
    using Clock = std::chrono::steady_clock;
    most(group_, 0);  // all begin together
    const auto begin = Clock::now();
    for (int64_t i = 0; i < calls; ++i) call(op, words);
    backend_.synchronize();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  Group& group_;
  Backend& backend_;
  std::unique_ptr<Buffer> whole_, part_;
};

}  // namespace

CollectiveTimes collective_times(const std::shared_ptr<Group>& group, const std::string& device, int threads, int64_t most_bytes,
                                 double seconds) {
  const auto backend = make_backend(device, threads);
  backend->set_group(group);
  const int64_t ranks = group->ranks().size;
  const Measured measured(group, *backend, std::max(ranks, most_bytes / 4));
  CollectiveTimes all{.way = backend->way_between_ranks()};
  for (const Collective op : {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter})
    for (int64_t words = 1; words * 4 <= most_bytes; words *= 4)
      // A word alone is summed up, as the loss is; what is shared has one for each rank at least.
      if (op == Collective::all_reduce || words >= ranks) all.times.push_back(measured(op, words, seconds));
  return all;
}

}  // namespace cw
