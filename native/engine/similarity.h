// Products of two sets of features, a block at a time, for evaluation.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace cw {

class Similarity {
 public:
  explicit Similarity(int threads);
  /// y[n,m] = a[n,d]·b[m,d]ᵀ, host memory throughout.
  void multiply(const float* a, int64_t n, const float* b, int64_t m, int64_t d, float* y);

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Buffer> memory_, scratch_;
};

}  // namespace cw
