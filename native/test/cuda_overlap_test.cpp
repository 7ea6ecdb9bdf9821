// That a step is uploaded and queued while the card still works on the one before. A card that hangs stands for one that
// is not done yet: whatever waited for it would not come back.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "engine/worker.h"
#include "ops/cuda/emulation/state.h"
#include "test/tiny_model.h"

namespace cw::test {
namespace {

constexpr int kCard = 1;

/// Within a minute: emulated steps take seconds on a machine that is busy.
bool comes_true(const std::atomic<bool>& flag) {
  for (int i = 0; i < 60000 && !flag; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return flag;
}

TEST(CudaOverlap, TheNextStepIsQueuedWhileTheCardWorksOnThisOne) {
  const ClipConfig config = tiny_config();
  const Optimizer::Step options{.lr = 1e-2f, .max_grad_norm = 1};
  constexpr int kSteps = 8;
  std::vector<float> expected, got;
  const auto start = [&](Session& s) {
    s.initialize(8);
    s.create_optimizer(adamw_spec(s));
  };
  Worker worker;
  std::unique_ptr<Session> session;
  worker.post([&] {
    Session alone({.model = config, .device = "cuda:1"}, nullptr);
    start(alone);
    for (uint32_t i = 0; i < kSteps; ++i) expected.push_back(alone.step(TinyBatch(config, 5, i).batch, 0, options).loss.loss);
    session = std::make_unique<Session>(Session::Options{.model = config, .device = "cuda:1"}, nullptr);
    start(*session);
  });
  std::atomic<bool> queued{false}, asked{false};
  const auto post = [&](uint32_t i, bool hangs) {
    queued = asked = false;
    worker.post([&, i, hangs] {
      const auto results = std::make_shared<Session::Results>(session->queue_step(TinyBatch(config, 5, i).batch, 0, options));
      if (hangs) emulation::hang_device(kCard, true);
      worker.defer({.run = [&, results] { got.push_back((*results)().loss.loss); },
                    .ready =
                        [&, results] {
                          const bool ready = results->ready();
                          asked = true;
                          return ready;
                        }});
      queued = true;
    });
    return comes_true(queued);
  };
  uint32_t i = 0;
  // Until memory is there and both halves' lists have become graphs.
  while (i < kSteps - 2) EXPECT_TRUE(post(i++, false));
  EXPECT_TRUE(post(i++, true));
  EXPECT_TRUE(comes_true(asked));  // the worker has nothing to do but to wait for it
  EXPECT_TRUE(post(i++, false));
  emulation::hang_device(kCard, false);
  worker.post([&] {
    worker.run_deferred();
    session.reset();
  });
  worker.join();
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace cw::test
