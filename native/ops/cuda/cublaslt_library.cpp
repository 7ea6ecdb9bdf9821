// Where cuBLASLt comes from: the system, a CUDA toolkit, or the wheel that PyTorch and others install for Python.
#include <dlfcn.h>
#include <glob.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "ops/cuda/cublaslt/cublaslt.h"

namespace cw::lt {
namespace {

constexpr const char* kFile = "libcublasLt.so.13";

/// Folders of site-packages, of the active environment first.
std::vector<std::string> site_packages() {
  std::vector<std::string> all;
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const char* prefix = std::getenv(variable); prefix && *prefix)
      all.push_back(std::string(prefix) + "/lib/python3*/site-packages");
  if (const char* home = std::getenv("HOME"); home && *home)
    all.push_back(std::string(home) + "/.local/lib/python3*/site-packages");
  for (const char* pattern : {"/usr/local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages",
                              "/usr/lib/python3*/site-packages", "/usr/lib/python3/dist-packages"})
    all.push_back(pattern);
  return all;
}

void* open_pattern(const std::string& pattern) {
  glob_t found{};
  void* library = nullptr;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc && !library; ++i) library = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
  globfree(&found);
  return library;
}

void* open_library() {
  if (void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL)) return library;
  std::string looked = "the system's library path";
  for (const std::string& folder : site_packages()) {
    if (void* library = open_pattern(folder + "/nvidia/*/lib/" + kFile)) return library;
    looked += ", " + folder;
  }
  if (void* library = open_pattern(std::string("/usr/local/cuda*/lib64/") + kFile)) return library;
  throw Error(Code::no_cuda, std::string("device 'cuda' was asked for, but ") + kFile + " was not found in " + looked +
                                 " or /usr/local/cuda*: install CUDA 13, or \"pip install nvidia-cublas\"; or use device 'cpu'");
}

Library load() {
  void* file = open_library();
  Library library{};
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(file, name));
    if (!function)
      throw Error(Code::no_cuda, std::string(kFile) + " has no function " + name + ": install CUDA 13, or use device 'cpu'");
  };
#define CW_FIND(name) find(library.name, "cublasLt" #name);
  CW_FOR_EACH_LT_FUNCTION(CW_FIND)
#undef CW_FIND
  return library;
}

}  // namespace

const Library& library() {
  static const Library loaded = load();  // after a failure, the next call tries again
  return loaded;
}

}  // namespace cw::lt
