// The right-hand sides of products with weights: packed where that pays.
#include <algorithm>

#include "ops/backend.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/memory.h"
#include "ops/cpu/onednn.h"
#include "ops/cpu/packed.h"
#include "ops/cpu/widen.h"

namespace cw {
namespace {

/// Below this many rows a product is bound by reading the weight once, which packing only does once more. In f32 a weight as it
/// lies is read nearly as fast from its rows (forward), but not from its columns: pages apart, a stride of 3072 halves the rate.
int64_t rows_worth_packing(DType type, bool forward) { return type == DType::f32 && forward ? 512 : 128; }
/// Of a weight that is worth it.
constexpr int64_t kPackFeatures = 64;
/// Where oneDNN packs f32 for itself, it does so for few rows' input gradients as well, and takes half as long again as our kernel.
constexpr int64_t kOwnRows = 512;

}  // namespace

bool OneDnn::reads_panels() { return selected_isa() >= Isa::avx512; }

Operand OneDnn::weights(Workspace& work, const WeightView& view, Use use, const Tensor& left, const Tensor& result) {
  const Weight& weight = *view.weight;
  if (weight.packed) return static_cast<const Packed&>(*weight.packed).part(view).operand;
  const Tensor part = part_of(weight.compute, view);
  // [I,O] forward and [O,I] backward: one of the two is always the transposed view of what is stored.
  const bool stored_as_used = weight.input_major == (use == Use::forward);
  Operand b = stored_as_used ? Operand(part) : Operand(part).transposed();
  if (use == Use::forward && streams(left, b)) {
    b.streamed = true;
    return b;
  }
  const bool as_it_is = multiplies(b.dtype), f32 = !as_it_is || b.dtype == DType::f32;
  const bool by_itself = as_it_is && f32 && !reads_panels() && (use == Use::forward || left.rows >= kOwnRows);
  if (by_itself || std::min(b.rows, b.cols) < kPackFeatures || !left.contiguous() || !result.contiguous() ||
      left.rows < rows_worth_packing(f32 ? DType::f32 : b.dtype, use == Use::forward)) {
    if (as_it_is) return b;
    const Operand wide(widened(work, part));
    return stored_as_used ? wide : wide.transposed();
  }

  // The plan has room for the copy either way: it does not know what is kept. In f32 copies would be as large as the masters.
  if (!work.live() || !keep_packed_ || f32 || weight.id == 0) return pack(work, b);
  Operand packed = b;
  packed.packed = true;
  const Key key{weight.id, view.first, view.out_features(), static_cast<int64_t>(use)};
  std::unique_ptr<KeptWeight>& kept = kept_[key];
  const bool stale = !kept || kept->version != weight.version;
  if (!kept) {
    auto fresh = std::make_unique<KeptWeight>();
    fresh->buffer = allocate_host(packed_layout(b.rows, b.cols, b.dtype).get_size());
    fresh->version = ~weight.version;  // nothing in it yet
    kept = std::move(fresh);
  }
  packed.data = kept->buffer->data();
  if (stale) {
    reorder(work, b, packed.data);
    kept->version = weight.version;
  }
  return packed;
}

void OneDnn::keep_packed(bool keep) {
  if (!keep) kept_.clear();
  keep_packed_ = keep;
}

size_t OneDnn::packed_bytes(const Weight& weight) {
  const Tensor& w = weight.compute;
  if (weight.id == 0 || w.dtype != DType::bf16 || !multiplies(w.dtype) || w.count() == 0) return 0;
  return packed_layout(w.rows, w.cols, w.dtype).get_size() + packed_layout(w.cols, w.rows, w.dtype).get_size();
}

}  // namespace cw
