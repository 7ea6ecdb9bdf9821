#include "ops/cuda/copy_team.h"

#include <algorithm>
#include <cstring>

namespace cw {

unsigned CopyTeam::usual_threads() { return std::clamp(std::thread::hardware_concurrency(), 1u, 4u); }

CopyTeam::CopyTeam(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
}

CopyTeam::~CopyTeam() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wanted_.notify_all();
  for (std::thread& t : helpers_) t.join();
}

size_t CopyTeam::Task::size_of(size_t piece) const { return std::min(kPiece, bytes - piece * kPiece); }

void CopyTeam::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return over_ || !task_.all_taken(); });
    if (over_) return;
    copy_one(lock);
  }
}

void CopyTeam::copy_one(std::unique_lock<std::mutex>& lock) {
  const size_t piece = task_.taken++, size = task_.size_of(piece);
  std::byte* to = task_.to + piece * kPiece;
  const std::byte* from = task_.from + piece * kPiece;
  lock.unlock();
  std::memcpy(to, from, size);
  lock.lock();
  task_.there[piece] = true;
  arrived_.notify_one();
}

void CopyTeam::finish(std::unique_lock<std::mutex>& lock) {
  const size_t begun = task_.taken;
  task_.taken = task_.there.size();  // nobody begins another
  arrived_.wait(lock, [&] { return std::all_of(task_.there.begin(), task_.there.begin() + begun, [](bool b) { return b; }); });
  task_ = {};
}

void CopyTeam::copy(void* to, const void* from, size_t bytes, const std::function<void(size_t, size_t)>& there) {
  std::unique_lock lock(mutex_);
  task_ = {.to = static_cast<std::byte*>(to), .from = static_cast<const std::byte*>(from), .bytes = bytes};
  task_.there.assign((bytes + kPiece - 1) / kPiece, false);
  wanted_.notify_all();
  try {
    for (size_t piece = 0; piece < task_.there.size(); ++piece) {
      while (!task_.there[piece])
        if (task_.all_taken())
          arrived_.wait(lock);
        else
          copy_one(lock);
      const size_t size = task_.size_of(piece);
      lock.unlock();
      there(piece * kPiece, size);
      lock.lock();
    }
  } catch (...) {
    if (!lock) lock.lock();
    finish(lock);
    throw;
  }
  finish(lock);
}

}  // namespace cw
