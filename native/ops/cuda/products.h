// Matrix products through cuBLASLt: row-major views, padded where its alignment rules want it, plans cached by shape.
#pragma once
#include <cstddef>
#include <memory>

#include "core/lru_cache.h"
#include "ops/cuda/cublaslt/cublaslt.h"
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
  Products();
  ~Products();

  /// Over a live workspace: puts the product on the stream. Measuring: only takes its scratch.
  void multiply(Workspace& work, cudaStream_t stream, const Product& product);

 private:
  struct Shape;
  struct Hash;
  struct Plan;
  Plan& plan(const Shape& shape);

  lt::Handle handle_ = nullptr;
  std::unique_ptr<LruCache<Shape, std::shared_ptr<Plan>, Hash>> plans_;
};

/// y = x in y's type, zeros where y is larger (kernels/padded_copy.cu).
void padded_copy(cudaStream_t stream, const Tensor& x, const Tensor& y);

}  // namespace cw
