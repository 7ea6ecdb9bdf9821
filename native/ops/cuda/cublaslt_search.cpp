#include "ops/cuda/cublaslt_search.h"

#include <dlfcn.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "ops/cuda/python_packages.h"

namespace cw::lt {
namespace {

constexpr const char* kVersions[] = {"13", "12"};  // what is used of them is the same

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// The library in this file, or nothing and why not.
std::optional<Library> opened(const std::string& file, std::string* why) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    *why = dlerror();
    return {};
  }
  Library library{};
  const char* lacks = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function && !lacks) lacks = name;
  };
#define CW_FIND(name) find(library.name, "cublasLt" #name);
  CW_FOR_EACH_LT_FUNCTION(CW_FIND)
#undef CW_FIND
  if (!lacks) return library;
  *why = file + " has no function " + lacks;
  dlclose(handle);
  return {};
}

[[noreturn]] void refuse(const std::string& why) { throw Error(Code::no_cuda, "device 'cuda' was asked for, but " + why); }

}  // namespace

Library open_library() {
  std::string why;
  if (const std::string named = variable("CLIPWRIGHT_CUBLASLT"); !named.empty()) {
    if (const auto library = opened(named, &why)) return *library;
    refuse("CLIPWRIGHT_CUBLASLT names a file that is no cuBLASLt of version 12 or 13: " + why);
  }
  const std::vector<std::string> packages = python_packages();
  std::string wrong;
  for (const char* version : kVersions) {
    const std::string name = std::string("libcublasLt.so.") + version;
    if (const auto library = opened(name, &why)) return *library;
    if (why.find("No such file") == std::string::npos) wrong += "; " + why;
    std::vector<std::string> files;
    const auto add = [&](const std::string& pattern) {
      for (std::string& file : files_of(pattern)) files.push_back(std::move(file));
    };
    for (const std::string& folder : packages) {
      add(folder + "/nvidia/*/lib/" + name);
      add(folder + "/torch/lib/libcublasLt*.so." + version);  // bundled, with a hash in its name
    }
    add("/usr/local/cuda*/lib64/" + name);
    for (const std::string& file : files) {
      if (const auto library = opened(file, &why)) return *library;
      wrong += "; " + why;
    }
  }
  std::string looked;
  for (const std::string& folder : packages) looked += folder + ", ";
  refuse("libcublasLt.so.13 or .12 was not found in the system's library path, " + looked + "or /usr/local/cuda*" + wrong +
         ": install CUDA 13, or \"pip install nvidia-cublas\", or name the file in CLIPWRIGHT_CUBLASLT; or use device 'cpu'");
}

}  // namespace cw::lt
