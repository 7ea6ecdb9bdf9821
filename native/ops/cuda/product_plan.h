// What cuBLASLt is asked for one shape of products, and the algorithms that it proposes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw {

/// What an algorithm is chosen by. cuBLASLt's matrices are column-major: its A is our b, its B our a, its D our cᵀ.
struct ProductShape {
  DType inputs, output;
  int64_t m, n, k;  // ours
  bool a_transposed, b_transposed, bias;
  int64_t a_stride, b_stride, add_stride, c_stride;
  uint32_t a_alignment, b_alignment, add_alignment, c_alignment;  // of the pointers, in bytes
  bool operator==(const ProductShape&) const = default;

  struct Hash {
    size_t operator()(const ProductShape& shape) const;
  };
  /// Bytes that an algorithm may use beside the operands. From the shape alone, so that a plan of memory needs no library.
  size_t workspace_limit() const;
  /// "[64, 768] x [3072, 768]T bf16 to f32", for people.
  std::string readable() const;
  /// All of it in one word, for files.
  std::string key() const;
};

struct ProductAlgorithm {
  lt::Algo algo;
  size_t workspace;
};

class ProductPlan {
 public:
  /// Throws unsupported when cuBLASLt proposes nothing.
  ProductPlan(lt::Handle handle, const ProductShape& shape);
  ~ProductPlan();
  ProductPlan(const ProductPlan&) = delete;

  struct Operands {
    const void *a, *b, *bias, *add;
    void *c, *workspace;
    float beta;
  };
  /// Puts it on the stream. That it is refused() is an answer here.
  lt::Status run(const ProductAlgorithm& algorithm, const Operands& operands, cudaStream_t stream) const;

  const std::vector<ProductAlgorithm>& proposed() const { return proposed_; }
  std::optional<ProductAlgorithm> chosen;  // by whoever runs it first
  std::optional<bool> own;                 // whether our own kernel is taken instead

 private:
  void destroy();

  lt::Handle handle_;
  lt::MatmulDesc desc_ = nullptr;
  lt::MatrixLayout a_ = nullptr, b_ = nullptr, add_ = nullptr, c_ = nullptr;
  std::vector<ProductAlgorithm> proposed_;  // cuBLASLt's best guess first
};

/// Throws device naming the call, unless it succeeded.
void check(lt::Status status, const char* call);
/// Whether Matmul turned an algorithm or its operands down and put nothing on the stream: another algorithm may do. What
/// cuBLASLt wants of operands is not all written down.
bool refused(lt::Status status);
#define CW_LT(name, ...) ::cw::check(::cw::lt::library().name(__VA_ARGS__), #name)

[[noreturn]] void throw_no_algorithm(const ProductShape& shape);

}  // namespace cw
