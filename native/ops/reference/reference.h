// The plain backend: what every other one is compared with.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace cw {

std::unique_ptr<Backend> make_reference_backend();

}  // namespace cw
