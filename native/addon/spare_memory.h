// returnMemory() of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value return_memory(const Napi::CallbackInfo& info);

}  // namespace cw
