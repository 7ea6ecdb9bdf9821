// Our own product for compute capability 9.0: kernels/linear_own.cu. Where it is used is decided by own_products.h.
#pragma once
#include "core/tensor.h"
#include "ops/cuda/runtime.h"

namespace cw {

/// A word that a kernel sets which waited in vain: on the card, where later ones see it, and on the host.
struct Failure {
  unsigned* on_card;
  volatile unsigned* on_host;
};

/// c[M,N] = a·b + bias[1,N] + add[M,N]. a: [M,K], turned [K,M]; b: [K,N], turned [N,K]; both of bf16 or f16. c: of that type
/// or f32; bias and add as c, optional, add may be c. Rows of all of them, and the bias, begin at multiples of 16 bytes, and
/// M, N and K are multiples of eight where they lie along rows.
struct OwnProduct {
  Tensor a, b;
  bool a_turned = false, b_turned = false;
  Tensor bias, add, c;
};

/// Threads and bytes of dynamic shared memory of a block.
inline constexpr unsigned kOwnProductThreads = 288;
extern const size_t kOwnProductShared;

/// Puts it on the stream. Sums in f32 over 16 terms at a time, in their order. Not for cards other than those of capability
/// 9.0.
void own_product(cudaStream_t stream, const OwnProduct& product, const Failure& failure);

}  // namespace cw
