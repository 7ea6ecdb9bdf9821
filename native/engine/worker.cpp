#include "engine/worker.h"

#include <utility>

namespace cw {

Worker::Worker() : thread_([this] {
        loop();
        finished_ = true;
      }) {}

Worker::~Worker() { join(); }

void Worker::join() {
  close();
  if (thread_.joinable()) thread_.join();
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

void Worker::defer(std::function<void()> rest) { deferred_.push_back(std::move(rest)); }

void Worker::run_deferred(size_t count) {
  for (; count > 0 && !deferred_.empty(); --count) {
    const auto rest = std::move(deferred_.front());
    deferred_.pop_front();
    rest();
  }
}

void Worker::loop() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return closed_ || !jobs_.empty() || !deferred_.empty(); });
      if (jobs_.empty() && deferred_.empty()) return;
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    const size_t due = deferred_.size();
    if (job) job();
    run_deferred(due);
  }
}

}  // namespace cw
