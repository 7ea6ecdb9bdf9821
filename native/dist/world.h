// The job that this process is a rank of: joined once in a process, watched until it ends.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "dist/group.h"
#include "dist/mpi_table.h"

namespace cw {

class World {
 public:
  /// Opens the library (beside the addon, or as CLIPWRIGHT_MPI_LIBRARY names it) and joins the job; again: the same one.
  /// Throws unsupported saying what is missing.
  static std::shared_ptr<World> join();
  /// Over this table; for tests.
  explicit World(const MpiTable& table, double beat_seconds = 2, double patience_seconds = 20);
  ~World();

  Ranks ranks() const { return ranks_; }
  const char* library() const { return table_.library; }

  /// channel 0 .. kMpiChannels-1: what one thread at a time uses. `stop` ends its waits.
  std::shared_ptr<Group> group(int channel, const std::atomic<bool>* stop = nullptr);

  /// Tells all others why this rank goes; their waits end with it. Nothing once a wait of this rank was given up.
  void tell_all(const std::string& reason);
  /// Waits for all ranks, then leaves the job. After an end that somebody told of, it only stops watching.
  void leave();
  /// Its thread ends; MPI is not left. False where it had ended already.
  bool stop_watching();
  /// Why the job ended, if it did: which rank, and its reason.
  std::string ended() const;

 private:
  friend class MpiGroup;
  void watch();
  void notify(int64_t rank, const char* bytes, int count);
  /// Takes a notice if one is there: its length, or -1.
  int notice(int64_t* rank, char* bytes);
  void end(const std::string& why);
  /// Runs what calls MPI. Throws Error(Code::rank) once a call was given up: whose memory may be gone by now, which MPI
  /// would still read and write whenever it is called, by whatever thread.
  template <class Call>
  auto in_mpi(Call&& call) const {
    const std::shared_lock lock(calls_);
    if (given_up_) throw_left();
    return call();
  }
  /// No call reaches MPI any more.
  void give_up();
  [[noreturn]] void throw_left() const;
  /// Waits until what was begun is done. Throws Error(Code::rank), cancelled, and what `watch` throws.
  void await(void* request, const std::atomic<bool>* stop, const std::function<void()>& watch);

  const MpiTable& table_;
  Ranks ranks_;
  const double beat_, patience_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string ended_;
  std::atomic<bool> has_ended_{false};
  bool leaving_ = false;
  mutable std::shared_mutex calls_;
  bool given_up_ = false;
  std::thread watcher_;
};

}  // namespace cw
