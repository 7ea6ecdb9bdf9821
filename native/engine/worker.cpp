#include "engine/worker.h"

#include <chrono>
#include <utility>

namespace cw {
namespace {

/// Between two looks at whether results are there. Longer than a look takes, shorter than anybody would notice.
constexpr auto kNap = std::chrono::microseconds(50);

}  // namespace

Worker::Worker() : thread_([this] {
        loop();
        finished_ = true;
      }) {}

Worker::~Worker() { join(); }

void Worker::join() {
  close();
  if (thread_.joinable()) thread_.join();
}

bool Worker::join_unless_endless() {
  close();
  while (!finished_) {
    if (endless_) return false;
    std::this_thread::sleep_for(kNap);
  }
  join();
  return true;
}

bool Worker::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void Worker::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    stop_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_one();
}

void Worker::defer(Rest rest) { deferred_.push_back(std::move(rest)); }

void Worker::run_deferred(size_t count) {
  for (; count > 0 && !deferred_.empty(); --count) {
    const Rest rest = std::move(deferred_.front());
    deferred_.pop_front();
    rest.run();
  }
}

void Worker::await(std::unique_lock<std::mutex>& lock) {
  const auto called = [&] { return closed_ || !jobs_.empty(); };
  if (deferred_.empty()) return wake_.wait(lock, called);
  while (!called()) {
    lock.unlock();
    const bool ready = deferred_.front().ready();
    if (!ready) std::this_thread::sleep_for(kNap);  // a wait of so long on `wake_` needs glibc 2.30
    lock.lock();
    if (ready) return;
  }
}

void Worker::loop() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      await(lock);
      if (jobs_.empty() && deferred_.empty()) return;
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    const size_t due = job ? deferred_.size() : 1;
    if (job) job();
    run_deferred(due);
  }
}

}  // namespace cw
