// Matrix products through cuBLASLt: row-major views, padded where its alignment rules want it, plans cached by shape.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>

#include "core/lru_cache.h"
#include "ops/cuda/own_products.h"
#include "ops/cuda/product_choices.h"
#include "ops/cuda/product_plan.h"
#include "ops/cuda/profile.h"
#include "ops/cuda/waiter.h"
#include "ops/workspace.h"

namespace cw {

struct Operand {
  Tensor stored;
  bool transposed = false;  // the product uses storedᵀ
};

/// c[M,N] = a[M,K]·b[K,N] + bias[N] + add[M,N]. a and b have one type; c has that type or f32.
struct Product {
  Operand a, b;
  Tensor bias;  // [1,N] in c's type, or f32 and rounded to it; optional
  Tensor add;   // as c, optional; may be c
  Tensor c;
};

class Products {
 public:
  /// Of the current card; its index for messages. The others are kept. With CLIPWRIGHT_TUNE=1 each shape's algorithms are
  /// timed at their first use, and remembered (product_choices.h); without, the first that works is used.
  Products(int device, const Waiter& waiter, Profile& profile);
  ~Products();

  /// Over a live workspace: puts the product on the stream. Measuring: only takes its scratch.
  void multiply(Workspace& work, cudaStream_t stream, const Product& product);
  /// Throws device if a product of our own has failed: before anything that was computed is given away.
  void check_own() {
    if (own_) own_->check();
  }

 private:
  /// By our own kernel where that is known to be good, else by cuBLASLt. spare: as c, where something is to be timed; else
  /// null.
  void run(const ProductShape& shape, const OwnProduct& own, const ProductPlan::Operands& operands, void* spare,
           cudaStream_t stream);
  /// Runs it by its plan's algorithm, which is chosen now if it never ran.
  void run_by_library(ProductPlan& plan, const ProductShape& shape, const ProductPlan::Operands& operands, void* spare,
                      cudaStream_t stream);
  /// By what an earlier run found to be the fastest; false where there is nothing, or it is refused.
  bool run_chosen_before(ProductPlan& plan, const ProductShape& shape, const ProductPlan::Operands& operands,
                         cudaStream_t stream);

  const Waiter& waiter_;
  Profile& profile_;
  lt::Handle handle_ = nullptr;
  std::optional<ProductChoices> choices_;  // where algorithms are timed
  std::unique_ptr<OwnProducts> own_;       // where they are asked for
  LruCache<ProductShape, std::shared_ptr<ProductPlan>, ProductShape::Hash> plans_;
};

/// y = x in y's type, zeros where y is larger (kernels/padded_copy.cu).
void padded_copy(cudaStream_t stream, const Tensor& x, const Tensor& y);

}  // namespace cw
