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
  /// What waits for results, and whether they are there by now, so that it would not have to. Neither may throw.
  struct Rest {
    std::function<void()> run;
    std::function<bool()> ready = [] { return true; };
  };
  /// For jobs, on this thread: the rest is run once the job after this one has begun its own work, or as soon as it is
  /// ready. Until then this thread waits for a job, too: one that comes while a card works is begun at once.
  void defer(Rest rest);
  /// For a job that ends what others deferred.
  void run_deferred() { run_deferred(deferred_.size()); }

  /// Raises the stop flag and lets the thread end after the queued jobs; they see stopping() and give up. Returns at once.
  void close();
  /// close(), then waits for the thread's end: for one op and the closing jobs. Not to be called by the thread itself.
  void join();
  /// The same, without waiting for a call that nothing ends. @returns false while it runs in one
  bool join_unless_endless();
  /// Made by a job, on this thread: while it is there, a call may wait for other processes for ever.
  class Endless {
   public:
    explicit Endless(Worker& worker) : worker_(worker) { worker_.endless_ = true; }
    ~Endless() { worker_.endless_ = false; }
    Endless(const Endless&) = delete;
    Endless& operator=(const Endless&) = delete;

   private:
    Worker& worker_;
  };
  /// The thread has left its loop: joining it takes no time.
  bool finished() const { return finished_.load(); }
  bool stopping() const { return stop_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& stop_flag() const { return stop_; }

 private:
  void loop();
  /// Waits until there is a job, a deferred rest is ready, or nothing will come any more.
  void await(std::unique_lock<std::mutex>& lock);
  void run_deferred(size_t count);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::deque<Rest> deferred_;  // of this thread alone
  std::atomic<bool> stop_{false}, finished_{false}, endless_{false};
  bool closed_ = false;
  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace cw
