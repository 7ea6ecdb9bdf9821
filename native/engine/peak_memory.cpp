#include "engine/peak_memory.h"

#include <cstdio>

namespace cw {

std::optional<ResidentMemory> resident_memory() {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (!file) return {};
  char line[256];
  unsigned long long now = 0, peak = 0;
  while (std::fgets(line, sizeof line, file))
    if (!std::sscanf(line, "VmHWM: %llu kB", &peak)) std::sscanf(line, "VmRSS: %llu kB", &now);
  std::fclose(file);
  if (!now || !peak) return {};
  return ResidentMemory{.now = static_cast<size_t>(now) << 10, .peak = static_cast<size_t>(peak) << 10};
}

bool forget_peak_memory() {
  std::FILE* file = std::fopen("/proc/self/clear_refs", "we");
  if (!file) return false;
  const bool written = std::fputs("5", file) >= 0;  // proc(5): resets the peak resident set size
  return std::fclose(file) == 0 && written;
}

}  // namespace cw
