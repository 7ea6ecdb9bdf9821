// What lib/native/names.ts and model lines call a model's enumerations.
#pragma once
#include "core/names.h"
#include "model/config.h"

namespace cw {

inline constexpr Named<Act> kActivations[] = {
    {"gelu", Act::gelu}, {"gelu_tanh", Act::gelu_tanh}, {"quick_gelu", Act::quick_gelu}};

inline constexpr Named<ImagePool> kImagePools[] = {{"token", ImagePool::token}, {"mean", ImagePool::mean}, {"attention", ImagePool::attention}};

inline constexpr Named<QueryKeyValue> kQueryKeyValues[] = {{"joint", QueryKeyValue::joint},
                                                           {"joint_no_key_bias", QueryKeyValue::joint_no_key_bias},
                                                           {"apart", QueryKeyValue::apart}};

inline constexpr Named<Pooler> kPoolers[] = {{"cls", Pooler::cls}, {"pooler", Pooler::pooler}, {"mean", Pooler::mean}};

inline constexpr Named<Projection> kProjections[] = {
    {"linear", Projection::linear}, {"mlp", Projection::mlp}, {"none", Projection::none}};

/// Of a projection.
inline constexpr Named<Init::Kind> kDistributions[] = {{"normal", Init::Kind::normal}, {"uniform", Init::Kind::uniform}};

}  // namespace cw
