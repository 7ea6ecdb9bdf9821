// Finds and opens clipwright_mpi.so.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "dist/world.h"

namespace cw {
namespace {

constexpr char kFile[] = "clipwright_mpi.so", kMpi[] = "libmpi.so.40";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Code::unsupported, "[ranks] this process was started as one of several ranks, but " + why);
}

std::string beside_this() {
  Dl_info self{};
  dladdr(reinterpret_cast<const void*>(&beside_this), &self);
  const std::string path = self.dli_fname ? self.dli_fname : "";
  return path.substr(0, path.rfind('/') + 1) + kFile;
}

/// Open MPI where the system's linker does not look: beside its own mpirun, or as the usual variables name it.
void preload_mpi() {
  std::vector<std::string> roots;
  for (const char* name : {"OPAL_PREFIX", "MPI_HOME"})
    if (const char* root = std::getenv(name)) roots.emplace_back(root);
  std::istringstream path(std::getenv("PATH") ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(path, folder, ':');)
    if (access((folder + "/mpirun").c_str(), X_OK) == 0) roots.push_back(folder + "/..");
  for (const std::string& root : roots)
    if (dlopen((root + "/lib/" + kMpi).c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)) return;
}

/// UCX, which an MPI may bring, rewrites the process's own memory functions to hear of what is given back. To try that, it moves
/// the heap's end (sbrk) up a page and down again (src/ucm/mmap/install.c). In Node the heap may have no room to grow, because V8's
/// code lies behind it: then only the step down succeeds, and a page that is in use is gone. It does without where it is told so.
void leave_the_heap_alone() { setenv("UCX_MEM_EVENTS", "no", 0); }

const MpiTable& open_table() {
  leave_the_heap_alone();
  const char* named = std::getenv("CLIPWRIGHT_MPI_LIBRARY");
  const std::string path = named && *named ? named : beside_this();
  // Its own symbols stay its own; an MPI opens parts of itself later and cannot be closed.
  const auto open = [&] { return dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE); };
  void* library = open();
  if (!library) {
    preload_mpi();
    library = open();
  }
  if (!library)
    refuse(path + " does not load (" + std::string(dlerror()) +
           "): install Open MPI 4 or 5, or in a source checkout run \"npm run build\" where your MPI's mpicc is found");
  const auto table = reinterpret_cast<const MpiTable* (*)()>(dlsym(library, kMpiTableSymbol));
  if (!table || table()->version != kMpiTableVersion) refuse(path + " belongs to another version of clipwright: build both anew");
  return *table();
}

}  // namespace

std::shared_ptr<World> World::join() {
  static std::mutex mutex;
  static std::shared_ptr<World> world;
  const std::lock_guard lock(mutex);
  if (!world) world = std::make_shared<World>(open_table());
  return world;
}

}  // namespace cw
