// NativeModel of lib/native/model.ts.
#pragma once
#include <napi.h>

#include "model/config.h"

namespace cw {

/// Throws invalid_argument naming the field.
ClipConfig model_config(const Napi::Object& o);

}  // namespace cw
