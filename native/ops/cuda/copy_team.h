// A few threads that copy large host memory together, piece by piece: one thread alone reaches a fraction of what the
// machine's memory can. They copy and nothing else: the CUDA calls stay with the thread that asks.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cw {

class CopyTeam {
 public:
  /// `threads`: as many together with the one that asks.
  explicit CopyTeam(unsigned threads = usual_threads());
  ~CopyTeam();
  CopyTeam(const CopyTeam&) = delete;
  CopyTeam& operator=(const CopyTeam&) = delete;

  /// As many as saturate a socket's memory, or all that this process may use.
  static unsigned usual_threads();
  /// Large enough that what is said and asked for each does not count, small enough that the first is soon on its way.
  static constexpr size_t kPiece = size_t{4} << 20;

  /// Tells the caller's thread of each piece that is there, in order, as soon as it is; what `there` throws is thrown
  /// once nobody reads or writes any more.
  void copy(void* to, const void* from, size_t bytes, const std::function<void(size_t offset, size_t bytes)>& there);

 private:
  struct Task {
    std::byte* to = nullptr;
    const std::byte* from = nullptr;
    size_t bytes = 0;
    size_t taken = 0;         // pieces
    std::vector<bool> there;  // by piece

    bool all_taken() const { return taken == there.size(); }
    size_t size_of(size_t piece) const;
  };

  void help();
  /// Copies the next piece, unlocked meanwhile.
  void copy_one(std::unique_lock<std::mutex>& lock);
  void finish(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wanted_, arrived_;
  Task task_;
  bool over_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace cw
