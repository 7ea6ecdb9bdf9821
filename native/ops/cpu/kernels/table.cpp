#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {

void fill_table(Kernels& k) {
#define CW_ADD(subject) add_##subject(k);
  CW_KERNEL_SUBJECTS(CW_ADD)
#undef CW_ADD
}

}  // namespace cw::CW_ISA
