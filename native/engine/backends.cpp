// Device selection: the one place that names the backends.
#include "core/error.h"
#include "ops/backend.h"
#include "ops/cpu/cpu.h"
#include "ops/reference/reference.h"

namespace cw {

std::unique_ptr<Backend> make_backend(const std::string& name, int threads) {
  if (name == "cpu") return make_cpu_backend(threads);
  if (name == "reference") return make_reference_backend();
  if (name.starts_with("cuda"))
    throw Error(Code::no_cuda, "device '" + name + "' was asked for, but this build has no CUDA backend; use 'cpu'");
  throw Error(Code::invalid_argument, "expected device 'cpu' or 'reference', got '" + name + "'");
}

}  // namespace cw
