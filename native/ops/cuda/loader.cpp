// make_cuda_backend for the product: opens clipwright_cuda.so when a card is asked for, so that machines without one need
// nothing. It lies next to the addon, or in the optional npm package clipwright-cuda.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/library.h"

namespace cw {
namespace {

constexpr const char* kFile = "clipwright_cuda.so";

struct Refusal : Error {
  explicit Refusal(const std::string& why)
      : Error(Code::no_cuda, "device 'cuda' was asked for, but " + why + "; or use device 'cpu'"), why(why) {}
  std::string why;
};

[[noreturn]] void refuse(const std::string& why) { throw Refusal(why); }

std::string readable(int version) {  // CUDA's numbers: 1000·major + 10·minor
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// What the driver supports, in CUDA's numbers; 0 where there is none.
int driver_version() {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver) return 0;
  const auto version_of = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDriverGetVersion"));
  int version = 0;
  return version_of && version_of(&version) == 0 ? version : 0;
}

/// The driver, before anything that would fail less clearly without it.
void require_driver() {
  const int version = driver_version();
  if (version == 0) refuse(std::string("this machine has no NVIDIA driver (libcuda.so.1): install driver ") + kLeastDriver + " or newer");
  if (version < kLeastDriverCuda)
    refuse("the NVIDIA driver supports CUDA " + readable(version) + " and CUDA " + readable(kLeastDriverCuda) +
           " is needed: install driver " + kLeastDriver + " or newer");
}

/// Where the library may lie: next to the addon, then in the package, as Node would look for it from there.
std::vector<std::string> candidates() {
  Dl_info self{};
  dladdr(reinterpret_cast<const void*>(&require_driver), &self);
  std::string folder = self.dli_fname ? self.dli_fname : "";
  std::vector<std::string> all;
  for (size_t slash = folder.rfind('/'); slash != std::string::npos; slash = folder.rfind('/')) {
    folder.resize(slash);
    if (all.empty()) all.push_back(folder + "/" + kFile);
    all.push_back(folder + "/node_modules/clipwright-cuda/" + kFile);
  }
  return all;
}

CudaLibrary opened(const std::string& path) {
  // Its threads and exit handlers may outlive whoever opened it.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) refuse(path + " does not load (" + dlerror() + "): install the npm package clipwright-cuda anew");
  const auto describe = reinterpret_cast<const CudaLibrary* (*)()>(dlsym(library, kCudaLibrarySymbol));
  if (!describe || std::string_view(describe()->interface) != kCudaInterface)
    refuse(path + " belongs to another version of clipwright: install clipwright-cuda in the version of clipwright");
  return *describe();
}

CudaLibrary open_library() {
  // Names the library itself: for unusual places, and for tests, whose emulation needs no driver.
  if (const char* named = std::getenv("CLIPWRIGHT_CUDA_LIBRARY"); named && *named) return opened(named);
  require_driver();
  for (const std::string& path : candidates())
    if (access(path.c_str(), F_OK) == 0) return opened(path);
  refuse(std::string(kFile) + " lies neither next to the addon nor in the npm package clipwright-cuda: npm install clipwright-cuda");
}

const CudaLibrary& library() {
  static const CudaLibrary once = open_library();  // after a failure, the next call tries again
  return once;
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(int index) { return std::unique_ptr<Backend>(library().make(index)); }

CudaDescription describe_cuda() {
  CudaDescription d;
  if (const int version = driver_version()) d.driver = readable(version);
  try {
    library().describe(&d);
  } catch (const Refusal& e) {
    d.problem = e.why;
  } catch (const std::exception& e) {
    d.problem = e.what();
  }
  return d;
}

}  // namespace cw
