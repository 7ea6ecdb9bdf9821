// resizePicture(options) and adjustPicture(options) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value resize_picture(const Napi::CallbackInfo& info);
Napi::Value adjust_picture(const Napi::CallbackInfo& info);

}  // namespace cw
