// readSummed(options) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value read_summed(const Napi::CallbackInfo& info);

}  // namespace cw
