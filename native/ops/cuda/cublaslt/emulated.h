// What tests see of the emulated cuBLASLt, and how they make it refuse. On the thread that uses it.
#pragma once
#include <cstdint>
#include <map>

#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw::lt::emulated {

/// The algorithms that it proposes, in this order.
enum Algorithm : uint64_t {
  refused_at_once = 1,  // its state says so
  refused_later,        // by Matmul
  slow,                 // takes a workspace; sums in the order of k
  fast,                 // sums in the reverse order
  refused_oddly,        // by Matmul, as if its operands were wrong; proposed before those that run
};

struct Log {
  uint32_t reduction_schemes = 0, alignments[4] = {};  // of the last question: a, b, c, d
  int requested = 0, questions = 0;
  std::map<uint64_t, int> products;  // by algorithm
};
Log& log();

/// What questions for algorithms are answered with while it lives: `status`, and with success no results.
class WithoutAlgorithms {
 public:
  explicit WithoutAlgorithms(Status status);
  ~WithoutAlgorithms();
};

/// While it lives, products take less time than any other kernel.
class InNoTime {
 public:
  InNoTime();
  ~InNoTime();
};

}  // namespace cw::lt::emulated
