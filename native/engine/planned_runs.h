// The plan is a dry run: work is written once and run twice, over a planner, which tells the memory that it takes, and
// then over the device in that memory.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "nn/context.h"
#include "ops/backend.h"

namespace cw {

class PlannedRuns {
 public:
  PlannedRuns(Backend& backend, DType type) : backend_(backend), type_(type) {}

  struct Run {
    Context context;
    Backend* backend;  // null in the dry run
  };
  using Body = std::function<void(Run&)>;

  struct Bytes {
    size_t arena = 0, scratch = 0;
    size_t total() const { return arena + scratch; }
  };
  Bytes measure(const Body& body) const;
  /// Takes the memory that the body needs. Throws out_of_memory naming the bytes; nothing has run then.
  void reserve(const Body& body);
  /// What the body took in the arena stays until the next run. Throws as `reserve`, before anything runs.
  void run(const Body& body) {
    reserve(body);
    run_reserved(body);
  }
  /// Of what `reserve` took memory for last.
  void run_reserved(const Body& body);

 private:
  void reserve(std::unique_ptr<Buffer>& buffer, size_t bytes, Bytes planned);

  Backend& backend_;
  const DType type_;
  std::unique_ptr<Buffer> arena_, scratch_;  // they only grow
};

}  // namespace cw
