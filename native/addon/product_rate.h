// productRate(shape) and memoryRate(threads) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value product_rate_of(const Napi::CallbackInfo& info);
Napi::Value memory_rate_of(const Napi::CallbackInfo& info);

}  // namespace cw
