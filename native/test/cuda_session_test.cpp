// Sessions on the emulated card: which of their work is a graph that was there before.
#include <gtest/gtest.h>

#include "ops/cuda/emulation/state.h"
#include "test/tiny_model.h"

namespace cw::test {
namespace {

/// Graphs that one call launches.
template <class Body>
int64_t launches_of(Body&& body) {
  const int64_t before = emulation::graph_launches();
  body();
  return emulation::graph_launches() - before;
}

TEST(CudaSession, SlicesOfMicroBatchesAreGraphsOfTheirOwn) {
  const ClipConfig config = tiny_config();
  Session s({.model = config, .device = "cuda:0"}, nullptr);
  s.initialize(1);
  const int optimizer = s.create_optimizer(adamw_spec(s));
  TinyBatch b(config, 6, 1);
  b.batch.micro_batch = 2;
  const auto step = [&](const TinyBatch& batch) { return launches_of([&] { s.step(batch.batch, optimizer, {.lr = 1e-3f}); }); };
  step(b);
  step(b);  // the staging has grown to what a step needs
  // A step's slices are uploaded eleven times: the last pictures stay. So each comes to the other half of the staging in every
  // step, and is known there two steps later.
  step(b);
  step(b);
  // Three slices of two towers, forward and backward; the loss, and what comes before the first slice.
  constexpr int64_t kAll = 3 * 2 * 2 + 2;
  EXPECT_EQ(step(b), kAll);
  EXPECT_EQ(step(b), kAll);

  // The second slice's first caption loses a token: its text tower runs anew, there and back, and so does nothing else.
  TinyBatch shorter(config, 6, 1);
  shorter.batch.micro_batch = 2;
  shorter.ids.erase(shorter.ids.begin() + shorter.offsets[2]);
  for (size_t i = 3; i < shorter.offsets.size(); ++i) --shorter.offsets[i];
  for (size_t i = 2; i < shorter.pool.size(); ++i) --shorter.pool[i];
  shorter.batch.tokens.ids = shorter.ids.data();
  EXPECT_EQ(step(shorter), kAll - 2);
  EXPECT_EQ(step(shorter), kAll - 2);
  EXPECT_EQ(step(shorter), kAll);
  EXPECT_EQ(step(b), kAll);
}

}  // namespace
}  // namespace cw::test
