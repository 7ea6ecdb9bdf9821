// What the files of CudaBackend share: backend.cpp (life and memory), transfers.cpp, list.cpp.
#pragma once
#include <string>

#include "core/error.h"
#include "ops/cuda/backend.h"

namespace cw {

constexpr size_t kLanding = size_t{4} << 20;  // bytes of a download at a time

template <class Body>
void CudaBackend::guarded(Body&& body) {
  enter();
  try {
    body();
  } catch (const Error& e) {
    if (e.code == Code::device) broken_ = e.what();
    throw;
  }
}

}  // namespace cw
