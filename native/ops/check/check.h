// Shapes and types of every op's arguments, in one place for all backends. Throws invalid_argument: "[op] field: ...";
// unsupported for a type in which the backend does not compute.
#pragma once
#include "ops/ops.h"

namespace cw {

#define CW_DECLARE(name, Struct) void check(const Ops& ops, const Struct& op);
CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

}  // namespace cw
