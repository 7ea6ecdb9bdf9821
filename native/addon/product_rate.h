// productRate(precision) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value product_rate_of(const Napi::CallbackInfo& info);

}  // namespace cw
