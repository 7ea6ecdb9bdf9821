// Names and shapes of parameters as JavaScript sees them.
#pragma once
#include <napi.h>

#include <vector>

#include "engine/parameter_shapes.h"

namespace cw {

Napi::Array list_of(Napi::Env env, const std::vector<ParameterShape>& shapes);

/// parametersOf(model) of lib/native/addon.ts: no memory is taken for values.
Napi::Value parameters_of(const Napi::CallbackInfo& info);

}  // namespace cw
