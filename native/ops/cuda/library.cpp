// The one symbol that clipwright_cuda.so exports.
#include "ops/cuda/library.h"

#include "ops/cuda/backend.h"
#include "ops/cuda/describe.h"

extern "C" __attribute__((visibility("default"))) const cw::CudaLibrary* clipwright_cuda_library() {
  static const cw::CudaLibrary library{
      cw::kCudaInterface, [](int index) -> cw::Backend* { return new cw::CudaBackend(index); }, cw::describe_cards};
  return &library;
}
