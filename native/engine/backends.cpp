// Device selection: the one place that names the backends.
#include <charconv>

#include "core/error.h"
#include "ops/backend.h"
#include "ops/cpu/cpu.h"
#include "ops/cuda/cuda.h"
#include "ops/reference/reference.h"

namespace cw {
namespace {

/// N of "cuda" (0) or "cuda:N"; -1 for anything else.
int cuda_index(std::string_view name) {
  if (name == "cuda") return 0;
  if (!name.starts_with("cuda:")) return -1;
  const std::string_view digits = name.substr(5);
  int index = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return error == std::errc() && end == digits.data() + digits.size() ? index : -1;
}

}  // namespace

std::unique_ptr<Backend> make_backend(const std::string& name, int threads) {
  if (name == "cpu") return make_cpu_backend(threads);
  if (name == "reference") return make_reference_backend();
  if (const int index = cuda_index(name); index >= 0) return make_cuda_backend(index);
  throw Error(Code::invalid_argument, "expected device 'cpu', 'reference', 'cuda' or 'cuda:N', got '" + name + "'");
}

}  // namespace cw
