// NativeWorld of lib/native/world.ts: the job that this process is a rank of.
#pragma once
#include <napi.h>

namespace cw {

/// joinWorld(): a promise of it.
Napi::Value join_world(const Napi::CallbackInfo& info);

}  // namespace cw
