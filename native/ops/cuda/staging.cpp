#include "ops/cuda/staging.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cw {
namespace {

/// From here on the threads' help is worth their waking.
constexpr size_t kLarge = 2 * CopyTeam::kPiece;

}  // namespace

Staging::Staging(int device, const Waiter& waiter) : device_(device), waiter_(waiter), stream_(make_stream()) {
  for (Half& half : halves_) {
    half.arrived = make_event();
    half.read = make_event();
  }
}

void Staging::reserve(size_t bytes) {
  wanted_ = std::max(wanted_, padded(bytes));
  if (wanted_ <= capacity_) return;
  const size_t capacity = std::max(std::bit_ceil(wanted_), size_t{1} << 20);
  capacity_ = 0;
  for (Half& half : halves_) {
    waiter_.wait(half.arrived.get());
    waiter_.wait(half.read.get());
    half.host = {};
    half.device = {};
  }
  for (Half& half : halves_) {
    half.host = make_pinned(capacity);
    half.device = make_device_memory(capacity, device_);
  }
  capacity_ = capacity;
}

void* Staging::put(const void* from, size_t bytes) {
  Half& half = halves_[current_];
  if (used_ == 0) {
    waiter_.wait(half.arrived.get());                              // its pinned memory is free again
    CW_CUDA(cudaStreamWaitEvent(stream_.get(), half.read.get()));  // and so is its device memory
  }
  auto* host = static_cast<std::byte*>(half.host.get()) + used_;
  auto* device = static_cast<std::byte*>(half.device.get()) + used_;
  const auto transfer = [&](size_t offset, size_t size) {
    CW_CUDA(cudaMemcpyAsync(device + offset, host + offset, size, cudaMemcpyHostToDevice, stream_.get()));
  };
  if (bytes >= kLarge) {
    if (!team_) team_.emplace();
    team_->copy(host, from, bytes, transfer);
  } else {
    std::memcpy(host, from, bytes);
    transfer(0, bytes);
  }
  used_ += padded(bytes);
  return device;
}

void Staging::before_reading(cudaStream_t main) {
  const Half& half = halves_[current_];
  CW_CUDA(cudaEventRecord(half.arrived.get(), stream_.get()));
  CW_CUDA(cudaStreamWaitEvent(main, half.arrived.get()));
  stopwatch_.begin(main);
}

void Staging::turn(cudaStream_t main) {
  stopwatch_.end(main);
  CW_CUDA(cudaEventRecord(halves_[current_].read.get(), main));
  current_ = 1 - current_;
  used_ = 0;
}

void Staging::abandon() {
  stopwatch_.abandon();
  stream_.abandon();
  for (Half& half : halves_) {
    half.host.abandon();
    half.device.abandon();
    half.arrived.abandon();
    half.read.abandon();
  }
}

}  // namespace cw
