#include "ops/cpu/cgroup.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>

namespace cw {
namespace {

/// Version 1 says so much, less a page, where nothing is limited.
constexpr uint64_t kUnlimited = uint64_t{1} << 62;

/// How the two versions call the same things.
struct Version {
  const char *limit, *usage, *inactive_files, *active_files;
};
constexpr Version kFirst = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file"};
constexpr Version kSecond = {"memory.max", "memory.current", "inactive_file", "active_file"};

/// The number that a file holds; nothing where it is missing or says "max".
std::optional<uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;
  return {};
}

uint64_t files_in(const std::string& folder, const Version& v) {
  std::ifstream file(folder + "/memory.stat");
  uint64_t sum = 0, value = 0;
  for (std::string key; file >> key >> value;)
    if (key == v.inactive_files || key == v.active_files) sum += value;
  return sum;
}

void take_least(std::optional<CgroupMemory>& least, const std::string& folder, const Version& v) {
  const std::optional<uint64_t> limit = number_in(folder + "/" + v.limit);
  if (!limit || *limit >= kUnlimited) return;
  const uint64_t used = number_in(folder + "/" + v.usage).value_or(0), files = files_in(folder, v);
  const uint64_t held = used - std::min(used, files), left = *limit - std::min(*limit, held);
  if (!least) least = CgroupMemory{.limit = SIZE_MAX, .available = SIZE_MAX};
  least->limit = std::min<size_t>(least->limit, *limit);
  least->available = std::min<size_t>(least->available, left);
}

bool names_memory(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');)
    if (one == "memory") return true;
  return false;
}

}  // namespace

std::optional<CgroupMemory> cgroup_memory(const std::string& root) {
  std::optional<CgroupMemory> least;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !names_memory(controllers)) continue;
    const Version& version = controllers.empty() ? kSecond : kFirst;
    const std::string mount = root + "/sys/fs/cgroup" + (controllers.empty() ? "" : "/memory");
    // A container may see its own group as the root, so all that a group lies in is looked at, the root included.
    std::string path = line.substr(second + 1);
    while (true) {
      take_least(least, mount + path, version);
      if (path.empty()) break;
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

}  // namespace cw
