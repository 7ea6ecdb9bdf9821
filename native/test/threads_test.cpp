// Threads that really meet: workers that are posted to, closed and joined from several sides, sessions that run at once,
// and a step that is cancelled in its middle. What they check holds in any build; ThreadSanitizer sees the races.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "core/error.h"
#include "engine/worker.h"
#include "test/backends.h"
#include "test/tiny_model.h"

namespace cw::test {
namespace {

TEST(Threads, EveryAcceptedJobRunsOnceWhileOthersPostAndClose) {
  constexpr int kPosters = 3, kJobs = 50;
  for (int round = 0; round < 100; ++round) {
    int ran = 0;  // touched by the worker's jobs alone, read after the join
    std::atomic<int> accepted{0};
    Worker worker;
    std::vector<std::thread> others;
    for (int p = 0; p < kPosters; ++p)
      others.emplace_back([&] {
        for (int i = 0; i < kJobs; ++i) accepted += worker.post([&] { ++ran; });
      });
    for (int c = 0; c < 2; ++c)
      others.emplace_back([&, c] {
        std::this_thread::sleep_for(std::chrono::microseconds(round * 5 + c));
        worker.close();
      });
    while (!worker.finished()) std::this_thread::yield();
    for (std::thread& t : others) t.join();
    worker.join();
    EXPECT_EQ(ran, accepted);
    EXPECT_FALSE(worker.post([] {}));
  }
}

TEST(Threads, AWorkerThatDiesRunsWhatWasPosted) {
  for (int round = 0; round < 100; ++round) {
    int ran = 0;
    {
      Worker worker;
      for (int i = 0; i < round % 4; ++i) worker.post([&] { ++ran; });
    }
    EXPECT_EQ(ran, round % 4);
  }
}

class SessionThreads : public testing::TestWithParam<std::string> {
 protected:
  /// A session that lives and dies on its worker, as the addon keeps it.
  struct Engine {
    explicit Engine(const std::string& device) {
      run([&] {
        session = std::make_unique<Session>(
            Session::Options{.model = tiny_config(), .device = device, .threads = 2}, &worker.stop_flag());
        session->initialize(3);
      });
    }
    ~Engine() {
      worker.post([this] { session.reset(); });
      worker.join();
    }

    template <class Work>
    std::future<void> post(Work work) {
      auto task = std::make_shared<std::packaged_task<void()>>(std::move(work));
      std::future<void> done = task->get_future();
      worker.post([task] { (*task)(); });
      return done;
    }
    template <class Work>
    void run(Work work) {
      post(std::move(work)).get();
    }

    std::unique_ptr<Session> session;
    Worker worker;  // last: it joins before the session goes
  };

  static void train(Session& s, uint32_t seed) {
    const int optimizer = s.create_optimizer(adamw_spec(s));
    for (uint32_t step = 0; step < 4; ++step)
      s.step(TinyBatch(tiny_config(), 5, seed + step).batch, optimizer, {.lr = 1e-3f});
  }
};

TEST_P(SessionThreads, TwoAtOnceLearnWhatEachLearnsAlone) {
  const auto alone = [&](uint32_t seed) {
    Engine e(GetParam());
    std::vector<std::vector<float>> values;
    e.run([&] {
      train(*e.session, seed);
      values = read_all(*e.session, Slot::value);
    });
    return values;
  };
  const auto first = alone(1), second = alone(20);
  ASSERT_NE(first, second);
  Engine a(GetParam()), b(GetParam());
  std::vector<std::vector<float>> of_a, of_b;
  auto done_a = a.post([&] {
    train(*a.session, 1);
    of_a = read_all(*a.session, Slot::value);
  });
  auto done_b = b.post([&] {
    train(*b.session, 20);
    of_b = read_all(*b.session, Slot::value);
  });
  done_a.get();
  done_b.get();
  EXPECT_EQ(of_a, first);
  EXPECT_EQ(of_b, second);
}

TEST_P(SessionThreads, SessionsComeAndGoBesideOneThatWorks) {
  Engine working(GetParam());
  std::atomic<bool> enough{false};
  int steps = 0;
  auto done = working.post([&] {
    const TinyBatch b(tiny_config(), 4, 5);
    while (!enough) {
      working.session->zero_grad();
      ASSERT_TRUE(std::isfinite(working.session->forward_backward(b.batch).loss));
      ++steps;
    }
  });
  for (int i = 0; i < 4; ++i) {
    Engine e(GetParam());
    e.run([&] {
      const TinyBatch b(tiny_config(), 3, 7);
      std::vector<float> features(static_cast<size_t>(3 * tiny_config().embed_dim));
      e.session->encode_images(b.batch.images, true, features.data());
      e.session->encode_texts(b.batch.tokens, true, features.data());
      for (const float x : features) ASSERT_TRUE(std::isfinite(x));
    });
  }
  enough = true;
  done.get();
  EXPECT_GT(steps, 0);
}

TEST_P(SessionThreads, ClosingCancelsAStepInItsMiddle) {
  for (int round = 0; round < 5; ++round) {
    Engine e(GetParam());
    std::atomic<bool> started{false};
    auto done = e.post([&] {
      const TinyBatch b(tiny_config(), 6, 9);
      for (;;) {  // ends by being cancelled alone
        e.session->zero_grad();
        e.session->forward_backward(b.batch);
        started = true;
      }
    });
    auto queued = e.post([&] { e.session->forward_backward(TinyBatch(tiny_config(), 2, 1).batch); });
    while (!started) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(100 * round));
    e.worker.close();
    for (auto* job : {&done, &queued}) try {
        job->get();
        ADD_FAILURE() << "expected cancelled";
      } catch (const Error& error) {
        EXPECT_EQ(error.code, Code::cancelled) << error.what();
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, SessionThreads, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
