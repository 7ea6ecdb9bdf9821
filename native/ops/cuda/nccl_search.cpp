#include "ops/cuda/nccl_search.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "ops/cuda/python_packages.h"
#ifdef CW_CUDA_EMULATED
#include "ops/cuda/emulation/poll.h"
#endif

namespace cw::nccl {
namespace {

constexpr const char* kName = "libnccl.so.2";

std::optional<Found> opened(const std::string& file, std::string* why) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);  // it has threads of its own
  if (!handle) {
    *why = dlerror();
    return {};
  }
  Found found;
  const char* lacks = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function && !lacks) lacks = name;
  };
  // First, so that one too old is called that rather than by what it lacks.
  find(found.library.GetVersion, "ncclGetVersion");
  if (!lacks && found.library.GetVersion(&found.version) == success && found.version < kLeastVersion) {
    *why = file + " is NCCL " + readable(found.version) + ", and " + readable(kLeastVersion) + " or later is needed";
    return {};
  }
#define CW_FIND(name) find(found.library.name, "nccl" #name);
  CW_FOR_EACH_NCCL_FUNCTION(CW_FIND)
#undef CW_FIND
  if (lacks) {
    *why = file + " has no function " + lacks;
    return {};
  }
#ifdef CW_CUDA_EMULATED
  // What stands in for it has no card to put work on: it is given the emulation's streams.
  if (const auto give = reinterpret_cast<void (*)(emulation::PollOn)>(dlsym(handle, emulation::kPollOnTaker)))
    give(emulation::poll_on);
#endif
  return found;
}

}  // namespace

std::string readable(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." + std::to_string(version % 100);
}

std::optional<Found> find_library(std::string* why) {
  const char* variable = std::getenv("CLIPWRIGHT_NCCL");
  if (const std::string named = variable ? variable : ""; named == "off") {
    *why = "CLIPWRIGHT_NCCL is off";
    return {};
  } else if (!named.empty()) {
    if (const auto found = opened(named, why)) return found;
    throw Error(Code::unsupported, "[ranks] CLIPWRIGHT_NCCL names a file that cannot be used: " + *why);
  }
  std::vector<std::string> files{kName};
  for (const std::string& folder : python_packages())
    for (const std::string& file : files_of(folder + "/nvidia/*/lib/" + kName)) files.push_back(file);
  std::string wrong;
  for (const std::string& file : files) {
    if (const auto found = opened(file, why)) return found;
    if (why->find("No such file") == std::string::npos) wrong += (wrong.empty() ? "" : "; ") + *why;
  }
  *why = wrong.empty() ? std::string(kName) + " was not found" : wrong;
  return {};
}

}  // namespace cw::nccl
