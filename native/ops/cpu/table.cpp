#include "ops/cpu/isa.h"
#include "ops/cpu/kernels/table.h"

namespace cw {

const Kernels& kernels() {
  static const Kernels table = [] {
    Kernels k{};
    switch (selected_isa()) {
      case Isa::avx2: avx2::fill_table(k); break;
      case Isa::avx512: avx512::fill_table(k); break;
      case Isa::avx512_bf16: avx512_bf16::fill_table(k); break;
    }
    // The one subject that multiplies pairs: without, it is in f32.
    if (selected_isa() == Isa::avx512_bf16 && !multiplies_bf16_pairs()) avx512::add_attention(k);
    return k;
  }();
  return table;
}

}  // namespace cw
