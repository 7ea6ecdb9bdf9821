#include "ops/cuda/describe.h"

#include "ops/cuda/backend.h"
#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw {
namespace {

std::string readable(int version) {  // CUDA's numbers: 1000·major + 10·minor
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string readable_cublaslt(size_t version) {  // 10000·major + 100·minor + patch
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
}

}  // namespace

void describe_cards(CudaDescription* d) {
  int version = 0, count = 0;
  CW_CUDA(cudaRuntimeGetVersion(&version));
  d->runtime = readable(version);
  CW_CUDA(cudaGetDeviceCount(&count));
  bool usable = false;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp card{};
    CW_CUDA(cudaGetDeviceProperties(&card, i));
    CudaCard& c = d->cards.emplace_back(CudaCard{.name = card.name, .major = card.major, .minor = card.minor});
    CW_CUDA(cudaSetDevice(i));
    CW_CUDA(cudaMemGetInfo(&c.free_bytes, &c.bytes));
    usable |= card.major >= kLeastMajor;
  }
  if (!usable)
    d->problem = count == 0 ? "the driver finds no card" : "no card has compute capability 8.0 (Ampere) or newer";
  d->cublaslt = readable_cublaslt(lt::library().GetVersion());
}

#ifdef CW_CUDA_EMULATED
CudaDescription describe_cuda() {
  CudaDescription d;
  describe_cards(&d);
  return d;
}
#endif

}  // namespace cw
