// One thread that runs jobs in order: the engine thread of a session. Its OpenMP team belongs to it and stays warm.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cw {

class Worker {
 public:
  Worker();
  /// Cancels what runs (within one op), runs out the queue, joins.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// A job must not throw. Jobs posted after close are dropped and false is returned.
  bool post(std::function<void()> job);
  /// For jobs, on this thread: what waits for results, to be run once the job after this one has begun its own work, or as
  /// soon as no job waits. Must not throw.
  void defer(std::function<void()> rest);
  /// For a job that ends what others deferred.
  void run_deferred() { run_deferred(deferred_.size()); }

  /// Raises the stop flag and lets the thread end after the queued jobs; they see stopping() and give up. Returns at once.
  void close();
  /// close(), then waits for the thread's end: for one op and the closing jobs. Not to be called by the thread itself.
  void join();
  /// The thread has left its loop: joining it takes no time.
  bool finished() const { return finished_.load(); }
  bool stopping() const { return stop_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& stop_flag() const { return stop_; }

 private:
  void loop();
  void run_deferred(size_t count);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::deque<std::function<void()>> deferred_;  // of this thread alone
  std::atomic<bool> stop_{false}, finished_{false};
  bool closed_ = false;
  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace cw
