// Operand products by oneDNN: primitives kept by shape, weights kept in the layout that its kernels read fastest.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

#include "core/lru_cache.h"
#include "ops/backend.h"
#include "ops/cpu/kernels/table.h"
#include "ops/workspace.h"

namespace cw {

struct Packed;

/// A strided operand. A packed one has oneDNN's own layout for right-hand sides instead of strides.
struct Operand {
  void* data = nullptr;
  DType dtype = DType::f32;
  int64_t rows = 0, cols = 0;
  int64_t row_stride = 0, col_stride = 1;
  bool packed = false;
  bool streamed = false;  // a weight as it lies, for our own kernel of few rows

  Operand() = default;
  Operand(const Tensor& t) : data(t.data), dtype(t.dtype), rows(t.rows), cols(t.cols), row_stride(t.stride) {}
  Operand transposed() const;
  bool empty() const { return rows == 0 || cols == 0; }
};

/// c[M,N] = a[M,K]·b[K,N] + bias[1,N] + addend[M,N]; c += that with `accumulate`.
struct Product {
  Operand a, b, c;
  const float* bias = nullptr;
  Operand addend = {};  // optional; not c itself (that is accumulate)
  bool accumulate = false;
};

class OneDnn {
 public:
  OneDnn();
  ~OneDnn();

  /// Whether oneDNN is given this type as it is; what is faster in f32 is widened before, and so is f16.
  bool multiplies(DType type) const;

  void multiply(Workspace& work, const Product& product);

  /// Whether oneDNN multiplies by panels of f32. Without AVX-512 only our own kernels do, and it packs for itself.
  static bool reads_panels();
  /// A copy of b[K,N] in the layout for right-hand sides, in scratch, in f32 where b's type is not multiplied as it is. Already
  /// packed matrices stay what they are. With one oneDNN
  /// wants the left side (or its transpose) and the result without padding: else it falls back to its reference product.
  Operand pack(Workspace& work, const Operand& b);

  enum class Use : uint8_t { forward, input_grad };
  /// The right-hand side for a product of `left` that goes to `result`: w[O,I]ᵀ forward, w itself for input gradients. Where that
  /// pays a packed copy: one that is kept and refreshed when the weight's version moved, with keep_packed(), else in scratch.
  Operand weights(Workspace& work, const WeightView& view, Use use, const Tensor& left, const Tensor& result);
  void keep_packed(bool keep);

  /// Whether oneDNN's layout for b[K,N] is panels, which our own kernels read, too; whether b lies so.
  bool packs_panels(int64_t k, int64_t n, DType type);
  bool in_panels(const Operand& b);
  /// A copy of b[K,N], of any size and type, in such panels of f32, in scratch: for our own kernels alone.
  Operand panels_of(Workspace& work, const Operand& b);
  /// Such panels in f32, with what the threads of a product work with whose left side has this many rows.
  WidePanels wide_panels(Workspace& work, const Operand& b, int64_t rows);

  /// A weight of i8 [O,I] as the right-hand side [I,O] for rows of u8, and what makes of their sums what they stand for.
  struct Rounded {
    Operand right;
    Tensor scales;  // f32 [1,O]
    Tensor shift;   // i32 [1,O]: kernels().zero_shift
  };
  Rounded rounded_weights(Workspace& work, const WeightView& view);
  /// Whether our own kernel multiplies by them: where they are packed and own_rounded(). Then for rows that are rounded so.
  static bool in_panels(const Rounded& weights);
  static RoundedPanels rounded_panels(const Rounded& weights, const Tensor& rows, const Tensor& steps);

  size_t packed_bytes(const Weight& weight);

  /// Backend's.
  std::unique_ptr<PackedWeight> pack(const Weight& weight, const std::vector<WeightView>& views);
  std::unique_ptr<PackedWeight> packed_zeros(const Weight& weight, const std::vector<WeightView>& views);
  bool writes_rows(const PackedWeight& packed, int64_t first, int64_t count) const;
  bool write_rows(PackedWeight& packed, int64_t first, int64_t count, const Tensor& scales, const Backend::Source& from);
  void unpack(const PackedWeight& packed, const Tensor& to);

 private:
  struct Multiplication;  // a primitive with its arguments' descriptors
  struct Reorder;
  struct KeptWeight {
    std::unique_ptr<Buffer> buffer;
    uint64_t version = 0;
  };
  using Key = std::array<int64_t, 16>;
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };

  /// Whether our own kernel multiplies `left` by b where it lies.
  bool streams(const Tensor& left, const Operand& b) const;
  /// In our own kernel, where few rows meet a right side that is streamed or lies in panels. Whether it did.
  bool multiply_few_rows(Workspace& work, const Product& product);
  /// Panels of bf16 become some of f32.
  void widen_panels(Workspace& work, Operand& b);
  Multiplication& multiplication(const Product& product);
  const dnnl::memory::desc& packed_layout(int64_t k, int64_t n, DType type);
  std::unique_ptr<Packed> packed_room(const Weight& weight, const std::vector<WeightView>& views);
  /// Whether that layout is panels whose words of 4 bytes, one number or several, lie as f32 does.
  bool in_words(int64_t k, int64_t n, DType type);
  enum class Way : uint8_t { in, out };
  /// Between b as it lies and its packed form.
  void reorder(Workspace& work, const Operand& b, void* packed, Way way = Way::in);
  /// The same with a scratchpad of its own.
  void reorder(const Operand& b, void* packed, Way way);

  /// Values in f32, packed in one pass by our own kernels where the layout is panels.
  Operand pack_widened(Workspace& work, const Operand& b);
  /// As it is, by oneDNN.
  Operand pack_reordered(Workspace& work, const Operand& b);

  dnnl::engine engine_;
  dnnl::stream stream_;
  LruCache<Key, std::unique_ptr<Multiplication>, KeyHash> multiplications_;
  LruCache<Key, std::unique_ptr<Reorder>, KeyHash> reorders_;
  std::unordered_map<Key, dnnl::memory::desc, KeyHash> layouts_;
  std::unordered_map<Key, std::unique_ptr<KeptWeight>, KeyHash> kept_;
  bool keep_packed_ = false;
  const int64_t threads_;
};

}  // namespace cw
