// Ranks in threads of one process: what they do together against what one does alone.
#include "dist/collectives.h"

#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <tuple>

#include "dist/neighbours.h"
#include "test/session_fixture.h"
#include "test/thread_group.h"

namespace cw::test {
namespace {

/// Rank r's value number i of n.
float value(int64_t r, int64_t i) { return std::sin(static_cast<float>(r * 1000 + i)); }

std::vector<float> values(int64_t r, int64_t count) {
  std::vector<float> v;
  for (int64_t i = 0; i < count; ++i) v.push_back(value(r, i));
  return v;
}

/// Σ over ranks, in their order and in f32.
float summed(int64_t size, int64_t i) {
  float sum = value(0, i);
  for (int64_t r = 1; r < size; ++r) sum += value(r, i);
  return sum;
}

/// So many ranks; whether over memory that they share.
class RanksTest : public testing::TestWithParam<std::tuple<int64_t, bool>> {
 protected:
  int64_t size() const { return std::get<0>(GetParam()); }
  template <class Body>
  void on_all(Body&& body) const {
    on_ranks(size(), [&](const std::shared_ptr<Group>& group) { body(std::get<1>(GetParam()) ? neighbours(group) : group); });
  }
};

TEST_P(RanksTest, SharesFollowEachOtherAndDifferByOneAtMost) {
  for (const int64_t whole : {0, 1, 5, 64, 67}) {
    int64_t next = 0;
    for (int64_t r = 0; r < size(); ++r) {
      const RankShare share = Ranks{r, size()}.share(whole);
      EXPECT_EQ(share.first, next);
      EXPECT_LE(std::abs(share.count - whole / size()), 1);
      next += share.count;
    }
    EXPECT_EQ(next, whole);
  }
}

TEST_P(RanksTest, AllReduceAddsInTheOrderOfRanks) {
  on_all([&](const std::shared_ptr<Group>& group) {
    for (const int64_t count : {1, 3, 1000, 5000001}) {  // the last in two pieces
      std::vector<float> x = values(group->ranks().rank, count);
      Collectives(*group).all_reduce(x.data(), count);
      int64_t wrong = 0;
      for (int64_t i = 0; i < count; ++i) wrong += x[static_cast<size_t>(i)] != summed(size(), i);
      EXPECT_EQ(wrong, 0) << count;
    }
  });
}

TEST_P(RanksTest, RowsAreGatheredAndSumsOfRowsScattered) {
  on_all([&](const std::shared_ptr<Group>& group) {
    const Ranks ranks = group->ranks();
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{1, 3}, {7, 5}, {64, 8}, {100, 60000}}) {  // the last in pieces
      const RankShare own = ranks.share(rows);
      std::vector<float> x = values(ranks.rank, rows * cols), sum(static_cast<size_t>(own.count * cols));
      Collectives(*group).reduce_scatter(x.data(), sum.data(), rows, cols);
      int64_t wrong = 0;
      for (int64_t i = 0; i < own.count * cols; ++i) wrong += sum[static_cast<size_t>(i)] != summed(ranks.size, own.first * cols + i);
      EXPECT_EQ(wrong, 0) << rows;
      std::vector<float> all(x.size());
      Collectives(*group).all_gather(sum.data(), all.data(), rows, static_cast<size_t>(cols) * 4);
      wrong = 0;
      for (int64_t i = 0; i < rows * cols; ++i) wrong += all[static_cast<size_t>(i)] != summed(ranks.size, i);
      EXPECT_EQ(wrong, 0) << rows;
    }
    EXPECT_THROW(Collectives(*group).all_gather(nullptr, nullptr, 4, 6), Error);
  });
}

TEST_P(RanksTest, LogSumsMergeAndTheFirstRanksValuesReachAll) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  on_all([&](const std::shared_ptr<Group>& group) {
    const Ranks ranks = group->ranks();
    // Everywhere, nowhere, on one rank only.
    std::vector<float> x{value(ranks.rank, 0), kNone, ranks.rank == ranks.size - 1 ? 2.5f : kNone, 100.f + value(ranks.rank, 3)};
    Collectives(*group).merge_lse(x.data(), 4);
    const auto expected = [&](int64_t i, double base) {
      double sum = 0;
      for (int64_t r = 0; r < ranks.size; ++r) sum += std::exp(static_cast<double>(value(r, i)));
      return base + std::log(sum);
    };
    EXPECT_NEAR(x[0], expected(0, 0), 1e-6);
    EXPECT_EQ(x[1], kNone);
    EXPECT_EQ(x[2], 2.5f);
    EXPECT_NEAR(x[3], expected(3, 100), 2e-5);
    std::vector<float> many = values(ranks.rank, 5000);  // too many to be sent whole
    Collectives(*group).merge_lse(many.data(), 5000);
    for (int64_t i = 0; i < 5000; ++i) EXPECT_NEAR(many[static_cast<size_t>(i)], expected(i, 0), 1e-6);
    Collectives(*group).broadcast(x.data(), 0);
    std::vector<float> first = values(ranks.rank, 10);
    Collectives(*group).broadcast(first.data(), 10);
    EXPECT_EQ(first, values(0, 10));
  });
}

TEST_P(RanksTest, CountWhatOthersAreGiven) {
  on_all([&](const std::shared_ptr<Group>& group) {
    const Ranks ranks = group->ranks();
    const int64_t others = ranks.size - 1, count = 10007, own = ranks.share(count).count;
    Collectives all(*group);
    std::vector<float> x(count), part(static_cast<size_t>(own));
    all.all_reduce(x.data(), count);
    all.all_reduce(x.data(), 1);  // so few that all are sent to all
    all.all_gather(part.data(), x.data(), count, 4);
    all.reduce_scatter(x.data(), part.data(), count, 1);
    all.broadcast(x.data(), 100);
    const auto of = [&](Collective kind) { return all.traffic()[static_cast<size_t>(kind)]; };
    EXPECT_EQ(of(Collective::all_reduce).calls, 2);
    EXPECT_EQ(of(Collective::all_reduce).words, (count - own) + own * others + others);
    EXPECT_EQ(of(Collective::all_gather).words, own * others);
    EXPECT_EQ(of(Collective::reduce_scatter).words, count - own);
    EXPECT_EQ(of(Collective::broadcast).words, ranks.rank == 0 ? 100 * others : 0);
    EXPECT_EQ(of(Collective::merge_lse).calls, 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, RanksTest, testing::Combine(testing::Values(1, 2, 3, 4), testing::Bool()));

/// A batch's pairs first .. first+count.
Batch part(const Batch& whole, const RankShare& share, std::vector<int32_t>& offsets, std::vector<int32_t>& pool, int64_t values) {
  const int32_t begin = whole.tokens.offsets[share.first];
  for (int64_t s = 0; s <= share.count; ++s) offsets.push_back(whole.tokens.offsets[share.first + s] - begin);
  for (int64_t s = 0; s < share.count; ++s) pool.push_back(whole.tokens.pool[share.first + s] - begin);
  Batch own = whole;
  own.images.data = static_cast<const float*>(whole.images.data) + share.first * values;
  own.images.count = own.tokens.count = share.count;
  own.images.first = share.first;
  own.tokens.ids = whole.tokens.ids + begin;
  own.tokens.offsets = offsets.data();
  own.tokens.pool = pool.data();
  own.total = whole.images.count;
  return own;
}

class DistributedSessionTest : public SessionTest {
 protected:
  struct Run {
    std::vector<float> losses, norms;
    std::vector<std::vector<float>> weights;
  };
  /// Some steps on each of `size` ranks; what all of them have in the end, and rank 0's losses.
  Run train(int64_t size, DType precision, int64_t micro_batch, const PairLoss& loss = mean_info_nce(), bool grouped = false) {
    constexpr int64_t pairs = 7;
    constexpr int32_t groups[pairs] = {0, 1, 0, 2, 1, 3, 0};  // of one another, over the borders of ranks
    Run run;
    std::mutex mutex;
    on_ranks(size, [&](const std::shared_ptr<Group>& group) {
      const Ranks ranks = group->ranks();
      Session s({.model = config(), .device = device(), .precision = precision, .threads = 1}, &stop_);
      s.initialize(ranks.rank == 0 ? 3 : 99);  // rank 0's values are what all begin with
      s.join(group);
      const size_t count = s.parameters().size();
      const int optimizer = s.create_optimizer({.lr_scale = std::vector<float>(count, 1), .weight_decay = std::vector<float>(count, 0.1f)});
      Run own;
      for (uint32_t step = 0; step < 4; ++step) {
        const TinyBatch b(config(), pairs, step);
        std::vector<int32_t> offsets, pool;
        Batch batch = part(b.batch, ranks.share(pairs), offsets, pool, 3 * 16 * 16);
        batch.images.dropout = {.kept = 3, .seed = 5, .step = step};
        batch.micro_batch = micro_batch;
        batch.loss = &loss;
        if (grouped) batch.groups = groups;
        const Session::Step result = s.step(batch, optimizer, {.lr = 0.01f, .max_grad_norm = 1});
        own.losses.push_back(result.loss.loss);
        own.norms.push_back(result.optimizer.grad_norm);
      }
      own.weights = read_all(s, Slot::value);
      const std::lock_guard lock(mutex);
      if (run.losses.empty()) run = own;
      EXPECT_EQ(own.losses, run.losses) << ranks.rank;
      EXPECT_EQ(own.norms, run.norms) << ranks.rank;
      EXPECT_EQ(own.weights, run.weights) << ranks.rank;
    });
    return run;
  }

  void expect_one_run(const PairLoss& loss, bool grouped = false) {
    const Run one = train(1, DType::f32, 0, loss, grouped);
    for (const int64_t size : {2, 3})
      for (const int64_t micro : {0, 2}) {
        const Run many = train(size, DType::f32, micro, loss, grouped);
        for (size_t i = 0; i < one.losses.size(); ++i) {
          EXPECT_NEAR(many.losses[i], one.losses[i], 1e-4 * one.losses[i]) << size;
          EXPECT_NEAR(many.norms[i], one.norms[i], 1e-3 * one.norms[i]) << size;
        }
        double worst = 0;
        for (size_t p = 0; p < one.weights.size(); ++p) {
          double sum = 0;
          for (size_t j = 0; j < one.weights[p].size(); ++j) sum += std::fabs(one.weights[p][j] - many.weights[p][j]);
          worst = std::max(worst, sum / static_cast<double>(one.weights[p].size()));
        }
        EXPECT_LT(worst, 2e-4) << size;  // Adam divides by what may be rounding alone, so single ones move further
      }
  }
};

TEST_P(DistributedSessionTest, RanksTogetherMakeTheStepsOfOneProcess) { expect_one_run(mean_info_nce()); }

TEST_P(DistributedSessionTest, RanksTogetherMakeTheStepsOfOneProcessWithTheSigmoidLoss) {
  expect_one_run(*make_pair_loss({.kind = "siglip"}));
}

TEST_P(DistributedSessionTest, RanksTogetherLeaveOutPairsOfAGroup) {
  const PairLoss& loss = mean_info_nce();
  EXPECT_LT(train(2, DType::f32, 0, loss, true).losses[0], 0.99f * train(2, DType::f32, 0, loss).losses[0]);
  expect_one_run(loss, true);
  expect_one_run(*make_pair_loss({.kind = "siglip"}), true);
}

TEST_P(DistributedSessionTest, AsManyRanksHaveTheSameBitsAgain) {
  const Run first = train(3, DType::bf16, 2), again = train(3, DType::bf16, 2);
  EXPECT_EQ(first.losses, again.losses);
  EXPECT_EQ(first.weights, again.weights);
}

TEST_P(DistributedSessionTest, APartThatIsNotThisRanksShareIsRefused) {
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Session s = make();
    s.join(group);
    const size_t count = s.parameters().size();
    const int optimizer = s.create_optimizer({.lr_scale = std::vector<float>(count, 1), .weight_decay = std::vector<float>(count, 0)});
    const TinyBatch b(config(), 5, 1);
    Batch batch = b.batch;
    batch.total = 5;
    EXPECT_THROW(s.step(batch, optimizer, {.lr = 0.01f}), Error);
  });
}

/// Ranks on cards are processes: the emulation of one belongs to one thread. test/ranks has them.
std::vector<std::string> backends_of_threads() {
  std::vector<std::string> names = tested_backends();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("cuda"); });
  return names;
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DistributedSessionTest);
INSTANTIATE_TEST_SUITE_P(Backends, DistributedSessionTest,
                         testing::Combine(testing::ValuesIn(backends_of_threads()), testing::Values(Text::causal, Text::bert)), test_name);

}  // namespace
}  // namespace cw::test
