#include "ops/cuda/cublaslt_search.h"

#include <dlfcn.h>
#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "ops/cuda/text_file.h"

namespace cw::lt {
namespace {

constexpr const char* kVersions[] = {"13", "12"};  // what is used of them is the same

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// The folder of an environment and, where it is one of venv's, of the Python that it was made from.
void add_environment(const std::string& folder, std::vector<std::string>* all) {
  constexpr const char* kPackages = "/lib/python3*/site-packages";
  all->push_back(folder + kPackages);
  for (const std::string& line : read_lines(folder + "/pyvenv.cfg")) {
    const size_t value = line.find_first_not_of(' ', line.find('=') + 1);
    if (line.starts_with("home") && value != std::string::npos) all->push_back(folder_of(line.substr(value)) + kPackages);
  }
}

/// Of the Pythons on the PATH, without running them: beside the link, and beside what it leads to.
void add_pythons(std::vector<std::string>* all) {
  const std::string path = variable("PATH") + ":";
  for (size_t from = 0, end; (end = path.find(':', from)) != std::string::npos; from = end + 1)
    for (const char* name : {"/python3", "/python"}) {
      const std::string python = path.substr(from, end - from) + name, real = real_path(python);
      if (end == from || real.empty()) continue;
      for (const std::string& file : {python, real}) add_environment(folder_of(folder_of(file)), all);
    }
}

/// Patterns for folders of site-packages, of the active environment first.
std::vector<std::string> site_packages() {
  std::vector<std::string> all;
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string prefix = variable(name); !prefix.empty()) add_environment(prefix, &all);
  add_pythons(&all);
  if (const std::string home = variable("HOME"); !home.empty()) all.push_back(home + "/.local/lib/python3*/site-packages");
  for (const char* pattern : {"/usr/local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages",
                              "/usr/lib/python3*/site-packages", "/usr/lib/python3/dist-packages"})
    all.push_back(pattern);
  std::vector<std::string> once;
  for (const std::string& pattern : all)
    if (std::find(once.begin(), once.end(), pattern) == once.end()) once.push_back(pattern);
  return once;
}

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return files;
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
  const std::vector<std::string> packages = site_packages();
  std::string wrong;
  for (const char* version : kVersions) {
    const std::string name = std::string("libcublasLt.so.") + version;
    if (const auto library = opened(name, &why)) return *library;
    if (why.find("No such file") == std::string::npos) wrong += "; " + why;
    std::vector<std::string> files;
    const auto add = [&](const std::string& pattern) {
      for (std::string& file : matches(pattern)) files.push_back(std::move(file));
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
