#include "ops/cuda/runtime.h"

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
