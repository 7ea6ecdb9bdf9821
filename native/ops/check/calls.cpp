#include "ops/ops.h"

#include "core/error.h"
#include "ops/check/check.h"
#include "ops/meter.h"

namespace cw {

#define CW_DEFINE(name, Struct)                                                              \
  void Ops::name(const Struct& op) {                                                         \
    if (stop_ && stop_->load(std::memory_order_relaxed))                                     \
      throw Error(Code::cancelled, "the session was closed while this call was running");    \
    check(*this, op);                                                                        \
    if (!meter_) return run(op);                                                             \
    const Meter::Span span(*meter_, #name, cost_of(op));                                     \
    run(op);                                                                                 \
  }
CW_FOR_EACH_OP(CW_DEFINE)
#undef CW_DEFINE

}  // namespace cw
