// What the rest of the product sees of the CUDA backend; no CUDA header is needed for it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace cw {

/// The card with this index. Throws no_cuda naming what is missing (driver, library, a supported card, that index) and
/// what to install.
std::unique_ptr<Backend> make_cuda_backend(int index);

struct CudaCard {
  std::string name;
  size_t bytes = 0, free_bytes = 0;
  int major = 0, minor = 0;  // compute capability
};

struct CudaDescription {
  std::string driver, runtime, cublaslt;  // versions; empty where there is none
  std::vector<CudaCard> cards;
  std::string problem;  // why no card can be used; empty when one can
};

/// Never throws. Starts the driver at the first call, which takes a while where there are cards.
CudaDescription describe_cuda();

}  // namespace cw
