// lossTime(options) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value loss_time_of(const Napi::CallbackInfo& info);

}  // namespace cw
