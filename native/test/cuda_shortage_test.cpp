// A step that finds no memory on the emulated card: micro-batches are halved until one does, at the same mathematics.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/cuda_emulated.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

constexpr int64_t kPairs = 24;

/// A session on a card that no other test has left memory on, and one batch for it.
struct Training {
  /// begun: it has made a step by halves, for which staging and lists are there now.
  explicit Training(bool begun) : batch(tiny_config(), kPairs, 1, true), session({.model = tiny_config(), .device = "cuda:1"}, nullptr) {
    session.initialize(3);
    optimizer = session.create_optimizer(adamw_spec(session));
    if (!begun) return;
    batch.batch.micro_batch = kPairs / 2;
    step();
    batch.batch.micro_batch = 0;
  }
  Session::Step step() { return session.step(batch.batch, optimizer, {.lr = 1e-3f}); }
  /// Of the card, by this session.
  size_t used() {
    return (size_t{4} << 30) - session.plan({.batch = kPairs, .tokens = 9}, mean_info_nce()).available;
  }

  TinyBatch batch;
  Session session;
  int optimizer;
};

TEST(CudaShortage, HalvesMicroBatchesUntilAStepFitsAtTheSameMathematics) {
  Session::Step whole;
  std::vector<std::vector<float>> expected;
  {
    Training plenty(true);
    plenty.batch.batch.may_halve = true;
    whole = plenty.step();
    expected = read_all(plenty.session, Slot::m);
  }
  EXPECT_EQ(whole.micro_batch, 0);
  Training scarce(true);
  // What a step by halves takes of the card, and no more.
  const std::string least = std::to_string(scarce.used() + 4096);
  {
    const With memory("CLIPWRIGHT_EMULATION_MEMORY", least.c_str());
    const auto before = read_all(scarce.session, Slot::value);
    const std::string why = message(Code::out_of_memory, [&] { scarce.step(); });  // unless it may
    EXPECT_NE(why.find("MiB"), std::string::npos) << why;
    EXPECT_EQ(read_all(scarce.session, Slot::value), before);
    scarce.batch.batch.may_halve = true;
    const Session::Step halved = scarce.step();
    EXPECT_GT(halved.micro_batch, 0);
    EXPECT_LE(halved.micro_batch, kPairs / 2);
    EXPECT_NEAR(halved.loss.loss, whole.loss.loss, 1e-5);
    EXPECT_NEAR(halved.optimizer.grad_norm, whole.optimizer.grad_norm, 1e-4);
  }
  EXPECT_LT(worst_share(expected, read_all(scarce.session, Slot::m)), 1e-4);
}

TEST(CudaShortage, SaysSoWhenNotEvenOnePairFits) {
  Training t(false);
  t.batch.batch.may_halve = true;
  const std::string none = std::to_string(t.used() + 4096);
  const With memory("CLIPWRIGHT_EMULATION_MEMORY", none.c_str());
  message(Code::out_of_memory, [&] { t.step(); });
}

}  // namespace
}  // namespace cw::test
