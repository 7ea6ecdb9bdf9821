// Whether a product is made by our own kernel. Only if CLIPWRIGHT_OWN_PRODUCTS=1, on compute capability 9.0, and for a shape
// whose first result agreed with cuBLASLt's to rounding in no more time. What was found is kept in own-products.txt of the
// user's cache folder, so that bits repeat, and so that what once failed or ended its process is not tried again.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ops/cuda/own_product.h"
#include "ops/cuda/product_file.h"
#include "ops/cuda/product_plan.h"
#include "ops/cuda/waiter.h"

namespace cw {

class OwnProducts {
 public:
  /// Null unless it is asked for, on a card that has what it takes. `version`: of cuBLASLt, which it is compared with.
  static std::unique_ptr<OwnProducts> make(int device, const std::string& card, size_t version, const Waiter& waiter);

  /// Whether it can make such products.
  static bool fits(const ProductShape& shape) { return shape.inputs != DType::f32; }
  /// Whether it is to make this one; nothing where that is to be tried.
  std::optional<bool> known(const ProductShape& shape) const;
  void run(cudaStream_t stream, const OwnProduct& product);
  /// Tries: `other` makes product.c by other means, and then, as often as it is called, the same product at `spare`. Not while
  /// the stream is captured. Whether ours is to be taken from now on.
  bool tried(cudaStream_t stream, const ProductShape& shape, const OwnProduct& product, void* spare,
             const std::function<void(void* to)>& other);
  /// Throws device if one has failed, after which it is never taken again. Its results may have been used: to be called before
  /// anything that was computed since is given away.
  void check();

 private:
  OwnProducts(int device, const std::string& card, size_t version, const Waiter& waiter, bool always);
  void keep(const std::string& what, const char* verdict);
  bool failed() const { return *failure_.on_host != 0; }
  bool tried_kernel(cudaStream_t stream, const OwnProduct& product, void* spare, const std::function<void(void* to)>& other);

  const Waiter& waiter_;
  std::string owner_;  // what lines begin with: card, versions
  ProductLines verdicts_;
  DeviceMemory words_;  // what was found by count_disagreements, and the failure
  PinnedMemory host_;   // the same
  Failure failure_;
  bool ready_ = false, always_;
};

/// found[1] becomes 0 where x and y, of one shape and type, agree (kernels/linear_own_compare.cu).
void count_disagreements(cudaStream_t stream, const Tensor& x, const Tensor& y, int* found);

}  // namespace cw
