// Device time of what a backend runs, between events on its stream. Off, it costs a branch for each list.
// An op that takes less than its launch is seen with the time that the card waited for it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ops/backend.h"
#include "ops/cuda/runtime.h"
#include "ops/cuda/waiter.h"

namespace cw {

class Profile {
  struct Record;

 public:
  /// `waiter` is kept.
  explicit Profile(const Waiter& waiter) : waiter_(waiter) {}
  void turn(bool on) { on_ = on; }
  bool on() const { return on_; }

  /// What is put on the stream while it lives. Spans may nest.
  class Span {
   public:
    Span() = default;
    Span(Record& record, cudaStream_t stream);
    Span(const Span&) = delete;
    ~Span();

   private:
    Record* record_ = nullptr;
    cudaStream_t stream_ = nullptr;
    int64_t launches_ = 0;  // before it
  };
  Span span(cudaStream_t stream, const char* name, std::string shape = {});

  /// Sums by name and shape, longest first; forgets them. Only when all spans are done.
  std::vector<OpTime> take();
  void abandon();

 private:
  /// Into the sums, so that a long run needs no more events; their last is waited for.
  void fold();

  struct Record {
    const char* name;
    std::string shape;
    OwnedEvent begin, end;
    int64_t launches = 0;
    bool ended = false;  // an op that threw has no end
  };
  const Waiter& waiter_;
  bool on_ = false;
  std::vector<std::unique_ptr<Record>> records_;  // in the order of their begins
  std::vector<std::unique_ptr<Record>> spare_;
  std::vector<OpTime> sums_;
};

}  // namespace cw
