#include "ops/ops.h"

#include "core/error.h"
#include "ops/check.h"

namespace cw {

int64_t WeightView::out_features() const {
  if (count >= 0) return count;
  return weight->input_major ? weight->master.cols : weight->master.rows - first;
}

int64_t WeightView::in_features() const { return weight->input_major ? weight->master.rows : weight->master.cols; }

#define CW_DEFINE(name, Struct)                                                              \
  void Ops::name(const Struct& op) {                                                         \
    if (stop_ && stop_->load(std::memory_order_relaxed))                                     \
      throw Error(Code::cancelled, "the session was closed while this call was running");    \
    check(*this, op);                                                                        \
    run(op);                                                                                 \
  }
CW_FOR_EACH_OP(CW_DEFINE)
#undef CW_DEFINE

}  // namespace cw
