// A card's backend comes and goes, and its memory.
#include "ops/cuda/backend.h"

#include <algorithm>

#include "ops/cuda/backend_parts.h"
#include "ops/cuda/communicator.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  CW_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

void require_card(int index) {
  int count = 0;
  if (const cudaError_t e = cudaGetDeviceCount(&count); e != cudaSuccess)
    throw Error(Code::no_cuda, std::string("device 'cuda' was asked for, but the CUDA driver finds no usable card: ") +
                                   cudaGetErrorString(e) + "; see nvidia-smi, or use 'cpu'");
  const std::string name = "cuda:" + std::to_string(index);
  if (index < 0 || index >= count)
    throw Error(Code::no_cuda, "device '" + name + "' was asked for, but this machine has " + std::to_string(count) +
                                   (count == 1 ? " CUDA card" : " CUDA cards") + ", the first of which is 'cuda:0'");
  const int major = attribute(cudaDevAttrComputeCapabilityMajor, index);
  if (major < kLeastMajor)
    throw Error(Code::no_cuda, "expected a card of compute capability 8.0 (Ampere) or newer, but '" + name + "' has " +
                                   std::to_string(major) + "." +
                                   std::to_string(attribute(cudaDevAttrComputeCapabilityMinor, index)) + "; use 'cpu'");
}

}  // namespace

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(CudaBackend& backend, void* data, size_t bytes) : backend_(backend) {
    data_ = data;
    bytes_ = bytes;
  }
  ~CudaBuffer() override { backend_.free_memory(data_); }

 private:
  CudaBackend& backend_;
};

CudaBackend::CudaBackend(int index) : index_(index) {
  require_card(index);
  CW_CUDA(cudaSetDevice(index));
  multiprocessors_ = attribute(cudaDevAttrMultiProcessorCount, index);
  shared_memory_ = static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index));
  if (attribute(cudaDevAttrMemoryPoolsSupported, index) != 0) CW_CUDA(cudaDeviceGetDefaultMemPool(&pool_, index));
  stream_ = make_stream();
  staging_ = std::make_unique<Staging>(index, waiter_);
  landing_ = make_pinned(kLanding);
  products_ = std::make_unique<Products>(index, waiter_, profile_);
}

CudaBackend::~CudaBackend() {
  cudaSetDevice(index_);
  if (communicator_ && communicator_->over()) communicator_->abort();  // or the stream would wait for a rank that has gone
  if (broken_.empty() && Waiter::done_in_time(stream()) && Waiter::done_in_time(staging_->stream())) return;
  if (communicator_) communicator_->abort();
  stream_.abandon();
  staging_->abandon();
  landing_.abandon();
  arrivals_.abandon();
  profile_.abandon();
  commands_.abandon();
}

void CudaBackend::enter() const {
  if (!broken_.empty()) throw Error(Code::device, "[" + name() + "] was closed by an earlier error: " + broken_);
  CW_CUDA(cudaSetDevice(index_));
}

std::unique_ptr<Buffer> CudaBackend::allocate(size_t bytes) {
  void* data = nullptr;
  guarded([&] {
    const size_t taken = std::max<size_t>(bytes, 1);
    const auto take = [&] { return pool_ ? cudaMallocAsync(&data, taken, stream()) : cudaMalloc(&data, taken); };
    cudaError_t e = take();
    if (e == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // not a sticky one
      reclaim();
      e = take();
    }
    if (e == cudaErrorMemoryAllocation) throw_out_of_memory(bytes, index_);
    check(e, pool_ ? "cudaMallocAsync" : "cudaMalloc");
    CW_CUDA(cudaMemsetAsync(data, 0, taken, stream()));
  });
  return std::make_unique<CudaBuffer>(*this, data, bytes);
}

void CudaBackend::free_memory(void* data) noexcept {
  if (!broken_.empty()) return;  // nothing can be given back to a lost device
  try {
    CW_CUDA(cudaSetDevice(index_));  // the thread may have turned to another card
    send();                          // commands may still name this memory
    check(pool_ ? cudaFreeAsync(data, stream()) : cudaFree(data), "freeing device memory");
  } catch (const std::exception&) {
    // The next call says what is wrong.
  }
}

void CudaBackend::reclaim() const {
  if (!pool_) return;
  waiter_.wait(stream());
  CW_CUDA(cudaMemPoolTrimTo(pool_, 0));
}

size_t CudaBackend::available_bytes() const {
  enter();
  reclaim();
  size_t free = 0, total = 0;
  CW_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

#ifdef CW_CUDA_EMULATED
std::unique_ptr<Backend> make_cuda_backend(int index) { return std::make_unique<CudaBackend>(index); }
#endif

}  // namespace cw
