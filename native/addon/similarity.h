// similarity(a, b, dim) of lib/native.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value similarity(const Napi::CallbackInfo& info);

}  // namespace cw
