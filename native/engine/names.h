// What users call the core's enumerations; lib/native/names.ts has the same names.
#pragma once
#include "core/dtype.h"
#include "core/names.h"
#include "engine/parameter_values.h"
#include "model/names.h"

namespace cw {

inline constexpr Named<DType> kPrecisions[] = {{"fp32", DType::f32}, {"bf16", DType::bf16}, {"fp16", DType::f16}};

/// As safetensors calls what can be read as it lies.
inline constexpr Named<DType> kStoredTypes[] = {{"F32", DType::f32}, {"BF16", DType::bf16}, {"F16", DType::f16}};

inline constexpr Named<Rule> kRules[] = {{"adamw", Rule::adamw}, {"adam", Rule::adam}, {"lion", Rule::lion},
                                         {"lamb", Rule::lamb}, {"sgd", Rule::sgd}};

inline constexpr Named<Slot> kSlots[] = {{"value", Slot::value}, {"grad", Slot::grad}, {"m", Slot::m},
                                         {"v", Slot::v}, {"average", Slot::average}, {"merged", Slot::merged}};

}  // namespace cw
