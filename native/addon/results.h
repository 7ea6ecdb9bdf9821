// What a session's work comes to, as JavaScript sees it.
#pragma once
#include <napi.h>

#include <optional>

#include "engine/session.h"

namespace cw {

inline Napi::Value to_value(Napi::Env env, double x) { return Napi::Number::New(env, x); }
Napi::Value to_value(Napi::Env env, const Session::Loss& loss);
Napi::Value to_value(Napi::Env env, const Optimizer::Result& result);
/// Both of the above in one object, and deviceMs where it is known.
Napi::Value to_value(Napi::Env env, const Session::Step& step);
/// undefined where there is none.
Napi::Value to_value(Napi::Env env, const std::optional<LossScaling>& scaling);
Napi::Value to_value(Napi::Env env, const Session::Plan& plan);
/// undefined where all was read; `error` is the system's number, 0 where the file ended.
Napi::Value to_value(Napi::Env env, const std::optional<ReadFailure>& failure);
/// An array of what each op took.
Napi::Value to_value(Napi::Env env, const std::vector<OpTime>& times);
/// By the names of the collectives.
Napi::Value to_value(Napi::Env env, const TrafficByKind& traffic);

}  // namespace cw
