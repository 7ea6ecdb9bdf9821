// How ranks wait for each other.
#pragma once
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "core/error.h"

namespace cw {

/// Between two looks at what others do. Ranks may share processors: who waits lets the others work, and sleeps once it waits
/// for long.
class Pause {
 public:
  void operator()() {
    if (++tries_ % 64 == 0 && std::chrono::steady_clock::now() - begun_ > std::chrono::milliseconds(2))
      usleep(50);
    else
      std::this_thread::yield();
  }

 private:
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  int64_t tries_ = 0;
};

/// `why`: which rank, and its reason.
inline Error job_ended(const std::string& why) {
  return Error(Code::rank, "this run was made together with other ranks, and " + why);
}

inline Error wait_cancelled() { return Error(Code::cancelled, "the session was closed while this call was running"); }

}  // namespace cw
