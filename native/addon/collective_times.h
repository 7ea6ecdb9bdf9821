// collectiveTimes(options) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value collective_times_of(const Napi::CallbackInfo& info);

}  // namespace cw
