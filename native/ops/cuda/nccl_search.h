// Where NCCL comes from: the system, or the wheel that PyTorch and others install for Python.
#pragma once
#include <optional>
#include <string>

#include "ops/cuda/nccl/nccl.h"

namespace cw::nccl {

inline constexpr int kLeastVersion = 21400;  // communicators that do not block

struct Found {
  Library library{};
  int version = 0;  // NCCL's numbers: 10000·major + 100·minor + patch
};

/// CLIPWRIGHT_NCCL names the file, or says "off"; else libnccl.so.2 is looked for. Nothing where there is none, and `why` it
/// cannot be used. Throws unsupported where the file that was named is none.
std::optional<Found> find_library(std::string* why);

/// "2.27.3"
std::string readable(int version);

}  // namespace cw::nccl
