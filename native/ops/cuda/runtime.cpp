#include "ops/cuda/runtime.h"

#include <map>
#include <mutex>
#include <string>

#include "core/error.h"

namespace cw {
namespace {

std::string mebibytes(size_t bytes) { return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB"; }

}  // namespace

void check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  throw Error(Code::device, std::string("[cuda] ") + call + " failed: " + cudaGetErrorString(error));
}

void throw_out_of_memory(size_t bytes, int device) {
  cudaGetLastError();  // this error is not a sticky one
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  throw Error(Code::out_of_memory, "[cuda:" + std::to_string(device) + "] planned to take " + mebibytes(bytes) +
                                       " more memory, but " + mebibytes(free) + " of " + mebibytes(total) +
                                       " are free; a smaller microBatch or activation checkpointing needs less");
}

#ifndef CW_CUDA_EMULATED
cudaError_t allow_shared(const void* kernel, size_t bytes) {
  static std::mutex mutex;
  static auto& allowed = *new std::map<std::pair<const void*, int>, size_t>;  // kernels are launched until the process ends
  int device = 0;
  if (const cudaError_t e = cudaGetDevice(&device); e != cudaSuccess) return e;
  const std::lock_guard lock(mutex);
  size_t& most = allowed[{kernel, device}];
  if (bytes <= most) return cudaSuccess;
  const cudaError_t e = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (e == cudaSuccess) most = bytes;
  return e;
}
#endif

OwnedStream make_stream() {
  cudaStream_t stream = nullptr;
  CW_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return OwnedStream(stream);
}

OwnedEvent make_event() {
  cudaEvent_t event = nullptr;
  CW_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return OwnedEvent(event);
}

OwnedEvent make_timed_event() {
  cudaEvent_t event = nullptr;
  CW_CUDA(cudaEventCreateWithFlags(&event, 0));
  return OwnedEvent(event);
}

PinnedMemory make_pinned(size_t bytes) {
  void* data = nullptr;
  if (const cudaError_t e = cudaMallocHost(&data, bytes); e != cudaSuccess) {
    cudaGetLastError();
    throw Error(Code::out_of_memory, "[cuda] the system refused " + mebibytes(bytes) + " of pinned memory for uploads");
  }
  return PinnedMemory(data);
}

DeviceMemory make_device_memory(size_t bytes, int device) {
  void* data = nullptr;
  const cudaError_t e = cudaMalloc(&data, bytes);
  if (e == cudaErrorMemoryAllocation) throw_out_of_memory(bytes, device);
  check(e, "cudaMalloc");
  return DeviceMemory(data);
}

}  // namespace cw
