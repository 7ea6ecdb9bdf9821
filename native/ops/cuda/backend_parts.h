// What the files of CudaBackend share: backend.cpp (life and memory), transfers.cpp, list.cpp.
#pragma once
#include <string>

#include "core/error.h"
#include "ops/cuda/backend.h"

namespace cw {

constexpr size_t kLanding = size_t{4} << 20;  // bytes of a download at a time

/// To a command's key: the value's bytes without those of padding.
template <class T>
void append(std::string& key, T value) {
  __builtin_clear_padding(&value);
  key.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

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
