// rankFeatures(options), bestOfCaptions(options) and rankMatrix(options) of lib/native/addon.ts.
#pragma once
#include <napi.h>

namespace cw {

Napi::Value rank_features_of(const Napi::CallbackInfo& info);
Napi::Value best_of_captions(const Napi::CallbackInfo& info);
Napi::Value rank_matrix(const Napi::CallbackInfo& info);

}  // namespace cw
