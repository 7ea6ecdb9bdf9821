// The CUDA runtime, or its emulation; errors as exceptions; what must be given back, given back.
#pragma once
#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/runtime.h"
#else
#include <cuda_runtime.h>
#endif

#include <cstddef>
#include <utility>

namespace cw {

/// Throws Error(Code::device) that quotes the call, unless it succeeded.
void check(cudaError_t error, const char* call);
#define CW_CUDA(call) ::cw::check((call), #call)

/// A handle that is destroyed with the object. Failures to destroy are of no use to anybody, and are not reported.
template <class Handle, auto destroy>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_) destroy(handle_);
  }
  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }
  /// Leaves the handle to the process: on a lost device, destroying may never return.
  void abandon() { handle_ = nullptr; }

 private:
  Handle handle_ = nullptr;
};

using OwnedStream = Owned<cudaStream_t, cudaStreamDestroy>;
using OwnedEvent = Owned<cudaEvent_t, cudaEventDestroy>;
using OwnedGraph = Owned<cudaGraph_t, cudaGraphDestroy>;
using OwnedExecutable = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;
using PinnedMemory = Owned<void*, cudaFreeHost>;
using DeviceMemory = Owned<void*, cudaFree>;

#ifndef CW_CUDA_EMULATED
/// Lets a kernel have so much dynamic shared memory on the current card. What it was let have before it keeps: a graph in the
/// making may hold launches of it that take more than the last.
cudaError_t allow_shared(const void* kernel, size_t bytes);
#endif

OwnedStream make_stream();
OwnedEvent make_event();        // orders
OwnedEvent make_timed_event();  // and tells when
PinnedMemory make_pinned(size_t bytes);
/// Throws out_of_memory with the bytes asked for and those that are free.
DeviceMemory make_device_memory(size_t bytes, int device);
[[noreturn]] void throw_out_of_memory(size_t bytes, int device);

}  // namespace cw
