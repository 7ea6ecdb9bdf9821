// Binding of describe_cuda.
#pragma once
#include <napi.h>

namespace cw {

/// () → Promise<{ driver, runtime, cublaslt, cards, problem }>
Napi::Value cuda_description(const Napi::CallbackInfo& info);

}  // namespace cw
